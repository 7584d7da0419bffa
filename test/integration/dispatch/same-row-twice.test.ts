import { afterEach, expect, test } from 'vitest'
import { createResultFlush } from '../../../src/deliveries/flush-results.ts'
import { giveBack, type Outcome } from '../../../src/deliveries/outcome.ts'
import { leaseBounds } from '../../../src/dispatch/batches.ts'
import { createLiveBatches } from '../../../src/dispatch/live-batches.ts'
import type { LiveBatch, TravellingRow } from '../../../src/dispatch/travelling.ts'
import { newUuid, type Uuid } from '../../../src/kit/ids.ts'
import { type DispatchRig, startDispatchRig } from '../../support/dispatch-rig.ts'

let rig: DispatchRig

afterEach(() => rig.close())

const liveBatch = (id: Uuid): LiveBatch => ({
  id,
  queue: 'deliver',
  released: false,
  suspect: false,
  bornAtMs: 0,
  leasedAtMs: 0,
  lost: false,
  stranded: false,
  open: 1,
})

test('a row that a worker holds twice, in a batch it lost and in one it has, is settled by the one it has', async () => {
  rig = await startDispatchRig()
  const network = await rig.network('http://127.0.0.1:1')
  const workerId = newUuid(1)
  const live = createLiveBatches(rig.ctx.clock, leaseBounds(rig.ctx.config))
  const flush = createResultFlush(rig.ctx, { workerId, live })
  const outcomes: Outcome[] = []
  for (let n = 0; n < 20; n++) {
    const { deliveryId, conversion } = await rig.schedule(network)
    const batchId = await rig.travel([deliveryId], { hint: false })
    const row = (batch: Uuid) =>
      ({
        batch: liveBatch(batch),
        destinationId: network.destinationId,
        replayId: null,
        attemptsCount: 0,
        facts: { deliveryId, conversionId: conversion.id },
      }) as TravellingRow
    const delivered: Outcome = { ...giveBack(row(batchId)), next: { state: 'delivered' } }
    const lost = Array.from({ length: 6 }, () => giveBack(row(newUuid(0))))
    outcomes.push(...lost, delivered, ...lost.map(({ row: { batch } }) => giveBack(row(batch.id))))
  }
  await rig.list('update batches set claimed_by = $1', [workerId])
  for (const outcome of outcomes) flush.push(outcome)
  await flush.drained()
  expect(await rig.list('select state, count(*)::int n from deliveries group by 1')).toEqual([
    { state: 'delivered', n: 20 },
  ])
  expect(await rig.places()).toEqual({ due: [], batches: [] })
})
