// The example is what the API takes, and comes out as its README says.
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Instance, Site } from '../../lib/api/generated.ts';
import { CRDS, readManifests } from '../../lib/cli/manifests.ts';
import { composeNetwork } from '../../lib/provision/network/netplan.ts';
import { attachment, offers, type SiteNetwork } from '../../lib/provision/network/site-network.ts';
import { createCheck } from '../../lib/sync/check.ts';
import { syncedKinds } from '../../lib/sync/kinds.ts';
import { parseManifests } from '../../lib/sync/manifest.ts';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

test('the files are what the API takes', () => {
  const check = createCheck(syncedKinds(readManifests(CRDS)));
  for (const file of ['site.yaml', 'instance.yaml']) {
    const { manifests, problems } = parseManifests(read(file), file);
    assert.equal(problems, []);
    assert.equal(check(manifests), []);
  }
});

test('the network is what the README shows, whichever addresses are free', () => {
  const site = load(read('site.yaml')) as Site;
  const instance = load(read('instance.yaml')) as Instance;
  const shown = load(
    /cloud-init\nthen reads of it:\n\n((?: {4}.*\n)+)/.exec(read('README.md'))![1]!.replace(/^ {4}/gm, ''),
  ) as object;
  // The README's own, each of the network that offers it.
  const given = JSON.stringify(shown).match(/[0-9a-f.:]+(?=\/(?:24|64)")/g)!;
  const machine = {
    nics: [
      { name: 'eno1', macAddress: '52:54:00:12:34:56' },
      { name: 'eno2', macAddress: '52:54:00:12:34:57' },
    ],
    bootMACAddress: '52:54:00:12:34:56',
  };
  const networks = site.spec.networks as readonly SiteNetwork[];
  const attachments = instance.spec.networks!.map((wanted) => {
    const network = networks.find(({ name }) => name === wanted.name)!;
    const address = given.find((one) => offers(network, 'fra1', one))!;
    return attachment(network, 'fra1', address, wanted.interface);
  });
  assert.equal(composeNetwork(instance.spec.network, attachments, machine), shown);
});

test.run();
