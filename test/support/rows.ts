import type { DestinationDefinition } from '../../src/catalogue/catalogue.ts'
import type { Db } from '../../src/db/database.ts'
import { newUuid, type Uuid } from '../../src/kit/ids.ts'

type Row = Record<string, unknown>

/** Inserts rows as the program would, with sensible values for what a test does not care about. */
export type Rows = ReturnType<typeof createRows>

/** A conversion of which a test says only what matters; ids carry the time `at` (unix ms). */
export type ConversionRow = {
  at?: number
  advertiserId: Uuid
  offerId?: Uuid | null
  affiliateId?: Uuid | null
  clickId?: string | null
  affiliateClickId?: string | null
  transactionId?: string | null
  event?: string
  status?: string
  payout?: string | null
  currency?: string | null
  revision?: number
  note?: string | null
}

export type DeliveryRow = {
  conversion: { id: Uuid; advertiserId: Uuid; offerId: Uuid | null; affiliateId: Uuid | null }
  revision: { id: Uuid; revision: number; at: number; status: string }
  destinationId: Uuid
  state?: string
  reason?: string | null
  /** Where a scheduled row is; `nowhere` is the fault that the ledger finds. */
  place?: 'due' | 'batch' | 'nowhere'
  dueAt?: Date
  dueReason?: string | null
  attemptsCount?: number
  payout?: string | null
  lastHttpStatus?: number | null
  lastVerdict?: string | null
  lastError?: string | null
  lastAttemptAt?: Date | null
  deliveredAt?: Date | null
  test?: boolean
}

const DEFINITION: DestinationDefinition = {
  name: 'Tracker',
  preset: null,
  method: 'GET',
  url: 'https://tracker.example/postback?clickid={affiliate_click_id}',
  url_by_status: {},
  headers: {},
  body: null,
  content_type: null,
  secrets: {},
  events: [],
  statuses: ['approved'],
  changes: ['status'],
  offer_ids: [],
  fallback: false,
  delay_seconds: 0,
  success: null,
  retry: null,
  signing_secret: null,
}

export function createRows(db: Db) {
  const insert = async (table: string, row: Row): Promise<void> => {
    const names = Object.keys(row)
    await db.query({
      text: `insert into ${table} (${names.join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
      values: Object.values(row),
    })
  }
  const nextVersion = async (): Promise<string> => {
    const { rows } = await db.query<{ n: string }>({
      text: 'update catalogue_version set n = n + 1 returning n',
    })
    return rows[0]?.n ?? ''
  }

  let attempts = 0
  const rows = {
    insert,

    async advertiser(row: Row = {}): Promise<Uuid> {
      const id = newUuid(Date.now())
      const changed_in = await nextVersion()
      await insert('advertisers', { id, name: 'Shop', token_hash: Buffer.from(id), changed_in, ...row })
      return id
    },

    async offer(advertiserId: Uuid, row: Row = {}): Promise<Uuid> {
      const id = newUuid(Date.now())
      const changed_in = await nextVersion()
      const payout = { type: 'passthrough', currency: 'USD' }
      await insert('offers', { id, advertiser_id: advertiserId, name: 'Offer', payout, changed_in, ...row })
      return id
    },

    async affiliate(row: Row = {}): Promise<Uuid> {
      const id = newUuid(Date.now())
      await insert('affiliates', { id, name: 'Partner', changed_in: await nextVersion(), ...row })
      return id
    },

    async destination(
      affiliateId: Uuid,
      row: Row = {},
      definition: Partial<DestinationDefinition> = {},
    ): Promise<Uuid> {
      const id = newUuid(Date.now())
      const changed_in = await nextVersion()
      const limits = {
        rate_per_second: definition.rate_limit?.per_second ?? null,
        concurrency: definition.concurrency ?? null,
      }
      await insert('destinations', {
        id,
        affiliate_id: affiliateId,
        version: 1,
        changed_in,
        ...limits,
        ...row,
      })
      await insert('destination_versions', {
        destination_id: id,
        version: 1,
        definition: { ...DEFINITION, ...definition },
      })
      return id
    },

    /** One advertiser with an offer, one affiliate with a destination. */
    async network(definition: Partial<DestinationDefinition> = {}) {
      const advertiserId = await rows.advertiser()
      const offerId = await rows.offer(advertiserId)
      const affiliateId = await rows.affiliate()
      const destinationId = await rows.destination(affiliateId, {}, definition)
      return { advertiserId, offerId, affiliateId, destinationId }
    },

    async click(row: { affiliateId: Uuid; offerId: Uuid; clickId: string; affiliateClickId?: string }) {
      const id = newUuid(Date.now())
      await insert('clicks', {
        id,
        click_id: row.clickId,
        affiliate_id: row.affiliateId,
        offer_id: row.offerId,
        affiliate_click_id: row.affiliateClickId ?? null,
        clicked_at: new Date(),
      })
      await insert('click_keys', { click_id: row.clickId, id })
      return id
    },

    async inboundCall(row: Row & { result: string }): Promise<Uuid> {
      const id = newUuid(Date.now())
      await insert('inbound_calls', { id, http_status: 200, source: 'postback', ...row })
      return id
    },

    async conversion(row: ConversionRow) {
      const at = row.at ?? Date.now()
      const id = newUuid(at)
      const { offerId = null, affiliateId = null, transactionId = null, clickId = null } = row
      await insert('conversions', {
        id,
        advertiser_id: row.advertiserId,
        by_click: transactionId === null,
        transaction_id: transactionId,
        event: row.event ?? 'sale',
        click_id: clickId,
        attributed_by: affiliateId === null ? null : 'click',
        affiliate_id: affiliateId,
        offer_id: offerId,
        affiliate_click_id: row.affiliateClickId ?? null,
        occurred_at: new Date(at),
        status: row.status ?? 'approved',
        payout: row.payout ?? null,
        currency: row.currency ?? null,
        revision: row.revision ?? 1,
        note: row.note ?? null,
        created_at: new Date(at),
      })
      await insert('conversion_keys', {
        advertiser_id: row.advertiserId,
        by_click: transactionId === null,
        identity: id,
        event: row.event ?? 'sale',
        conversion_id: id,
        click_id: clickId,
        revision: row.revision ?? 1,
      })
      return { id, at, advertiserId: row.advertiserId, offerId, affiliateId }
    },

    async revision(
      conversion: { id: Uuid; at: number },
      row: {
        revision?: number
        status?: string
        fanoutCount?: number | null
        at?: number
        note?: string | null
      } = {},
    ) {
      const at = row.at ?? conversion.at
      const id = newUuid(at)
      const revision = row.revision ?? 1
      const status = row.status ?? 'approved'
      await insert('revisions', {
        id,
        conversion_id: conversion.id,
        revision,
        status,
        occurred_at: new Date(at),
        fanout_count: row.fanoutCount === undefined ? 1 : row.fanoutCount,
        catalogue_version: 1,
        note: row.note ?? null,
        created_at: new Date(at),
      })
      return { id, revision, at, status }
    },

    async delivery(row: DeliveryRow): Promise<Uuid> {
      const id = newUuid(row.revision.at)
      const state = row.state ?? 'scheduled'
      await insert('deliveries', {
        id,
        conversion_id: row.conversion.id,
        revision_id: row.revision.id,
        revision: row.revision.revision,
        destination_id: row.destinationId,
        advertiser_id: row.conversion.advertiserId,
        offer_id: row.conversion.offerId,
        affiliate_id: row.conversion.affiliateId,
        status: row.revision.status,
        payout: row.payout ?? null,
        currency: row.payout === undefined ? null : 'USD',
        state,
        reason: row.reason ?? null,
        attempts_count: row.attemptsCount ?? 0,
        last_http_status: row.lastHttpStatus ?? null,
        last_verdict: row.lastVerdict ?? null,
        last_error: row.lastError ?? null,
        last_attempt_at: row.lastAttemptAt ?? null,
        delivered_at: row.deliveredAt ?? null,
        test: row.test ?? false,
      })
      if (state === 'scheduled') await rows.place(id, row)
      return id
    },

    async place(deliveryId: Uuid, row: Pick<DeliveryRow, 'destinationId' | 'place' | 'dueAt' | 'dueReason'>) {
      if (row.place === 'batch') await rows.batch([deliveryId])
      if (row.place === undefined || row.place === 'due')
        await insert('due', {
          delivery_id: deliveryId,
          destination_id: row.destinationId,
          share: 0,
          due_at: row.dueAt ?? new Date(),
          reason: row.dueReason ?? null,
        })
    },

    async batch(deliveries: Uuid[]): Promise<Uuid> {
      const id = newUuid(Date.now())
      await insert('batches', { id, lease_until: new Date(Date.now() + 60_000), deliveries })
      return id
    },

    async attempt(
      deliveryId: Uuid,
      row: { verdict: string; httpStatus?: number; error?: string; body?: string; at?: Date; url?: string },
    ): Promise<Uuid> {
      const at = row.at ?? new Date()
      // Its id is made now, whatever time it shows: partitions exist for the present only. Ids of one millisecond have no
      // order, so each attempt takes the next one.
      const id = newUuid(Date.now() + attempts++)
      await insert('attempts', {
        delivery_id: deliveryId,
        id,
        started_at: at,
        verdict: row.verdict,
        http_status: row.httpStatus ?? null,
        error: row.error ?? null,
        timings_ms: { dns: 1, tcp: 2, tls: 3, first_byte: 4, total: 10 },
        remote_ip: '203.0.113.9',
        destination_version: 1,
      })
      await insert('attempt_bodies', {
        id,
        request: {
          method: 'GET',
          url: row.url ?? 'https://tracker.example/postback?clickid=abc',
          headers: { 'user-agent': 'postback-relay' },
          body: null,
        },
        response:
          row.httpStatus === undefined
            ? null
            : { status: row.httpStatus, headers: {}, body: row.body ?? 'OK' },
      })
      return id
    },
  }
  return rows
}
