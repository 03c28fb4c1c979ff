// SPDX-License-Identifier: GPL-3.0-or-later
// The official JavaScript client; run by node_client.py. Exit code 77: the client is missing.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

let path;
try {
  path = createRequire(import.meta.url).resolve('@kubernetes/client-node'); // obeys NODE_PATH
} catch {
  console.log('skipped: node has no package @kubernetes/client-node');
  process.exit(77);
}
const k8s = await import(pathToFileURL(path));
const config = new k8s.KubeConfig();
config.loadFromFile(process.env.KUBECONFIG);
const core = config.makeApiClient(k8s.CoreV1Api);
const namespace = 'default';

async function eventually(what, once) {
  for (let i = 0; i < 1000; i++) {
    if (await once()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`does not happen: ${what}`);
}

async function versions() {
  assert.match((await config.makeApiClient(k8s.VersionApi).getCode()).gitVersion, /^v1\.35\./);
}

async function informs() {
  const seen = [];
  const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`,
    () => core.listNamespacedConfigMap({ namespace }));
  for (const verb of ['add', 'update', 'delete'])
    informer.on(verb, (object) => object.metadata.name === 'node' && seen.push(verb));
  await informer.start();
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'node' }, data: { a: 'b' } } });
  await core.patchNamespacedConfigMap(
    { namespace, name: 'node', body: [{ op: 'replace', path: '/data/a', value: 'c' }] });
  await core.replaceNamespacedConfigMap({ namespace, name: 'node', body: { metadata: { name: 'node' }, data: { a: 'd' } } });
  await eventually('the cache has the last write', () => informer.get('node', namespace)?.data.a === 'd');
  await core.deleteNamespacedConfigMap({ namespace, name: 'node' });
  await eventually('the informer tells of the deletion', () => seen.includes('delete'));
  assert.deepEqual(seen, ['add', 'update', 'update', 'delete']);
  informer.on('error', () => {}); // it tells that its watch was stopped
  await informer.stop();
}

async function refuses() {
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'twice' } } });
  await assert.rejects(core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'twice' } } }),
    (error) => error.code === 409 && JSON.parse(error.body).reason === 'AlreadyExists');
}

async function applies() {
  const objects = k8s.KubernetesObjectApi.makeApiClient(config);
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied', namespace }, data: { a: 'b' } };
  const apply = (manager) => objects.patch(body, undefined, undefined, manager, undefined, k8s.PatchStrategy.ServerSideApply);
  assert.equal((await apply('node')).metadata.managedFields[0].operation, 'Apply');
  body.data.a = 'c';
  await assert.rejects(apply('other'), (error) => error.code === 409);
  await objects.delete(body);
}

async function logs() {
  await core.createNamespacedPod(
    { namespace, body: { metadata: { name: 'node' }, spec: { containers: [{ name: 'main', image: 'example.org/node:1' }] } } });
  await eventually('the pod runs',
    async () => (await core.readNamespacedPodStatus({ namespace, name: 'node' })).status.phase === 'Running');
  assert.equal(typeof await core.readNamespacedPodLog({ namespace, name: 'node' }), 'string');
}

let failed = 0;
for (const step of [versions, informs, refuses, applies, logs]) {
  try {
    await step();
    console.log(`ok      ${step.name}`);
  } catch (why) {
    failed = 1;
    console.log(`FAILED  ${step.name}: ${why.stack}`);
  }
}
process.exit(failed);
