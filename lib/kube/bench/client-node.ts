// The peer of our reflector: the first sync of client-node's own informer, in a process of its own.
//
//   node lib/kube/bench/client-node.ts KUBECONFIG NAMESPACE
import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node';
import { measured, type Work } from '../../runtime/bench/measured.ts';
import { SELECTOR } from '../../runtime/bench/objects.ts';

const sync: Work = async (kubeconfig, namespace, _seconds, begin) => {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  const list = () => api.listNamespacedConfigMap({ namespace, labelSelector: SELECTOR });
  const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, SELECTOR);
  begin();
  await informer.start();
  return informer.list().length;
};

const [kubeconfig = '', namespace = ''] = process.argv.slice(2);
await measured(sync, kubeconfig, namespace, 0);
