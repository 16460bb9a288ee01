// Schedulers as processes: the product's placement controller, and Kubernetes' own, with its limits on calls lifted.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface SchedulerProcess extends AsyncDisposable {
  readonly pid: number;
}

function started(child: ChildProcess, name: string): SchedulerProcess {
  let isOver = false;
  /** The end of what it says: told when it ends by itself. */
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    said = `${said}${chunk}`.slice(-1000);
  });
  const ended = once(child, 'exit').then(([code, signal]) => {
    if (!isOver) throw new Error(`${name} ended by itself: ${code ?? signal}\n${said}`);
  });
  return {
    pid: child.pid!,
    async [Symbol.asyncDispose]() {
      isOver = true;
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export function startOurs(kubeconfig: string): SchedulerProcess {
  const script = fileURLToPath(new URL('./process.ts', import.meta.url));
  const env = { ...process.env, NODE_ENV: 'production' };
  return started(spawn(process.execPath, [script, kubeconfig], { stdio: ['pipe', 'inherit', 'inherit'], env }), 'ours');
}

/** `binary` is kube-scheduler of 1.20, which wants a port, free on loopback; `dir` is where its configuration may be written. */
export function startKubeScheduler(binary: string, kubeconfig: string, dir: string, port: number): SchedulerProcess {
  const config = join(dir, 'kube-scheduler.json');
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: 'kubescheduler.config.k8s.io/v1beta1',
      kind: 'KubeSchedulerConfiguration',
      clientConnection: { kubeconfig, qps: 100_000, burst: 100_000 },
      leaderElection: { leaderElect: false },
      healthzBindAddress: `127.0.0.1:${port}`,
      metricsBindAddress: `127.0.0.1:${port}`,
    }),
  );
  const child = spawn(binary, ['--config', config, '--secure-port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  return started(child, 'kube-scheduler');
}
