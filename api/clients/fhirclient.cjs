// The ordinary work of a SMART app that uses fhirclient on its server.
const assert = require('node:assert/strict');
const smart = require('fhirclient');

(async () => {
  const client = smart({ headers: {}, url: '/', session: {} }, {}).client({ serverUrl: process.env.FHIR_BASE, tokenResponse: { access_token: process.env.FHIR_TOKEN, token_type: 'Bearer' } });

  const patient = await client.create({ resourceType: 'Patient', name: [{ family: 'Smart', given: ['Zoë'] }], birthDate: '1980-05-05' });
  assert.ok(patient.id);
  for (let n = 0; n < 5; n++) {
    await client.create({ resourceType: 'Observation', status: 'final', code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] }, subject: { reference: `Patient/${patient.id}` }, effectiveDateTime: `2026-01-0${n + 1}`, valueQuantity: { value: 60 + n, unit: '/min' } });
  }
  assert.equal((await client.request(`Patient/${patient.id}`)).name[0].family, 'Smart');
  const flat = await client.request(`Observation?patient=${patient.id}&_count=2&_sort=date`, { pageLimit: 0, flat: true });
  assert.deepEqual(flat.map((o) => o.valueQuantity.value), [60, 61, 62, 63, 64]);
  const resolved = await client.request(`Observation?patient=${patient.id}&_count=1`, { resolveReferences: 'subject', graph: true });
  assert.equal(resolved.entry[0].resource.subject.id, patient.id);
  const byCode = client.byCode(flat, 'code');
  assert.equal(byCode['8867-4'].length, 5);
  const updated = await client.update({ ...patient, gender: 'female' });
  assert.equal(updated.meta.versionId, '2');
  const patched = await client.patch(`Patient/${patient.id}`, [{ op: 'add', path: '/active', value: true }]);
  assert.equal(patched.active, true);
  const included = await client.request({ url: `Observation?patient=${patient.id}&_include=Observation:subject&_count=1` });
  assert.ok(included.entry.some((e) => e.search.mode === 'include' && e.resource.resourceType === 'Patient'));
  const version = await client.getFhirVersion();
  assert.equal(version, '4.0.1');
  await client.delete(`Observation/${flat[0].id}`);
  await assert.rejects(client.request(`Observation/${flat[0].id}`));
  console.log('done');
})().catch((e) => { console.error(e); process.exit(1); });
