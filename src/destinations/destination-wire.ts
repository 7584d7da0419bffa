import { encodeId } from '../kit/ids.ts'
import type { Finding } from './findings.ts'
import type { HealthRow } from './health-store.ts'
import type { DestinationWire, HealthWire } from './schema.ts'
import type { DestinationRow } from './store.ts'

const NO_HEALTH: HealthWire = {
  breaker: null,
  success_rate: null,
  p95_ms: null,
  last_error: null,
  held: null,
}

/** The whole resource; secrets are named, never shown. Lists leave the health out (null). */
export function toWire(
  row: DestinationRow,
  more: { findings: readonly Finding[]; health: HealthRow | null },
): DestinationWire {
  const { definition } = row
  return {
    id: encodeId('destination', row.id),
    external_id: row.external_id,
    affiliate_id: encodeId('affiliate', row.affiliate_id),
    name: definition.name,
    preset: definition.preset,
    method: definition.method,
    url: definition.url,
    ...(definition.url_as_given !== undefined && { url_as_given: definition.url_as_given }),
    url_by_status: definition.url_by_status,
    headers: definition.headers,
    body: definition.body,
    content_type: definition.content_type,
    secrets: Object.fromEntries(Object.keys(definition.secrets).map((name) => [name, true as const])),
    events: definition.events,
    statuses: definition.statuses,
    changes: definition.changes,
    offer_ids: definition.offer_ids.map((id) => encodeId('offer', id)),
    fallback: definition.fallback,
    delay_seconds: definition.delay_seconds,
    success: definition.success,
    retry: definition.retry,
    rate_limit: definition.rate_limit ?? null,
    concurrency: definition.concurrency ?? null,
    signing_secret: definition.signing_secret === null ? null : true,
    state: row.state,
    state_reason: row.state_reason,
    health: more.health === null ? NO_HEALTH : toWireHealth(more.health),
    findings: [...more.findings],
    version: row.version,
    archived_at: row.archived_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

const toWireHealth = (row: HealthRow): HealthWire => ({
  breaker: row.breaker,
  success_rate: row.success_rate === null ? null : Math.round(row.success_rate * 10_000) / 10_000,
  p95_ms: row.p95_ms === null ? null : Math.round(row.p95_ms),
  last_error:
    row.last_error === null || row.last_error_at === null
      ? null
      : { error: row.last_error, http_status: row.last_error_status, at: row.last_error_at.toISOString() },
  held: row.held,
})
