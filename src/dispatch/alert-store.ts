import type { Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

export type AlertKind = 'breaker_open' | 'destination_disabled'

/** At most one of a kind is open for a destination: a breaker that opens again in its ramp was never closed. */
export async function openAlert(
  tx: Tx,
  alert: { id: Uuid; kind: AlertKind; destinationId: Uuid },
): Promise<void> {
  await tx.query({
    name: 'open_alert',
    text: `insert into alerts (id, kind, destination_id) select $1::uuid, $2::text, $3::uuid
      where not exists (select from alerts where destination_id = $3 and kind = $2 and closed_at is null)`,
    values: [alert.id, alert.kind, alert.destinationId],
  })
}

export async function closeAlerts(
  tx: Tx,
  alerts: { kind: AlertKind; destinationIds: readonly Uuid[] },
): Promise<void> {
  await tx.query({
    name: 'close_alerts',
    text: `update alerts set closed_at = now()
      where destination_id = any($1::uuid[]) and kind = $2 and closed_at is null`,
    values: [alerts.destinationIds, alerts.kind],
  })
}
