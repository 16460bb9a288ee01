// The layer rules bite: each forbidden import, seeded into a folder of its own, is found by the project's own linter.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OXLINT = join(ROOT, 'node_modules/.bin/oxlint');

/** What the linter says of a tree with just this file, which imports just that one. */
function lint(file: string, imported: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'bmp-layers-'));
  try {
    mkdirSync(join(dir, dirname(file)), { recursive: true });
    writeFileSync(join(dir, file), `import { thing } from '${imported}';\nexport const other = thing;\n`);
    copyFileSync(join(ROOT, '.oxlintrc.json'), join(dir, '.oxlintrc.json'));
    const { stdout, stderr } = spawnSync(process.execPath, [OXLINT, '.'], { cwd: dir, encoding: 'utf8' });
    return stdout + stderr;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const FORBIDDEN: readonly (readonly [file: string, imported: string, why: string])[] = [
  ['lib/kube/a.ts', '../../controllers/operator.ts', 'lib never imports controllers'],
  ['lib/scheduler/a.ts', '../kube/client.ts', 'the pure core knows nothing of Kubernetes'],
  ['lib/bmc/a.ts', '../runtime/controller.ts', 'the pure core knows nothing of Kubernetes'],
  ['lib/provision/a.ts', '../kube/client.ts', 'the pure core knows nothing of Kubernetes'],
  ['lib/boot/a.ts', '../kube/client.ts', 'the pure core knows nothing of Kubernetes'],
  ['lib/runtime/a.ts', '../sim/fleet.ts', 'only tests and the CLI'],
  ['lib/runtime/a.ts', '@kubernetes/client-node', 'lib/kube is the one place'],
  ['controllers/device/a.ts', '../instance/tell.ts', 'controllers meet through the API'],
  ['controllers/claim/a.ts', '../device/plan.ts', 'controllers meet through the API'],
  ['controllers/device/a.ts', '../../lib/sim/fleet.ts', 'only tests and the CLI'],
];

for (const [file, imported, why] of FORBIDDEN) {
  test(`${file} must not import ${imported}`, () => assert.match(lint(file, imported), why));
}

test('what is allowed passes', () => {
  assert.not.match(lint('controllers/device/a.ts', '../../lib/kube/client.ts'), 'no-restricted-imports');
  assert.not.match(lint('lib/cli/a.ts', '../sim/fleet.ts'), 'no-restricted-imports');
});

test.run();
