// The kubeconfig that a client uses: written as JSON, which is YAML, so that nothing in it needs quoting rules.

export interface Access {
  /** https://host:port */
  readonly server: string;
  /** PEM */
  readonly certificateAuthority: string;
  readonly user: string;
  readonly token: string;
}

/** A kubeconfig with one cluster, user and context, all named "bmp". */
export function kubeconfig(access: Access): string {
  const authority = Buffer.from(access.certificateAuthority).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'bmp', cluster: { server: access.server, 'certificate-authority-data': authority } }],
    users: [{ name: access.user, user: { token: access.token } }],
    contexts: [{ name: 'bmp', context: { cluster: 'bmp', user: access.user } }],
    'current-context': 'bmp',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

type Written = {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { name: string; user: { token: string } }[];
};

/** Reads what kubeconfig() wrote. @throws Error when it is something else */
export function readKubeconfig(content: string): Access {
  const { clusters, users } = JSON.parse(content) as Written;
  const [cluster, user] = [clusters[0]?.cluster, users[0]];
  if (!cluster || !user) throw new Error('the kubeconfig names no cluster or no user');
  const certificateAuthority = Buffer.from(cluster['certificate-authority-data'], 'base64').toString();
  return { server: cluster.server, certificateAuthority, user: user.name, token: user.user.token };
}
