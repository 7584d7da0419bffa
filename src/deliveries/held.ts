/** Why a waiting delivery does not travel although its state is scheduled. */
export const HELD_REASONS = ['disabled', 'paused', 'breaker_open', 'receiver_asked', 'delay'] as const

/**
 * SQL: the reason why a row of `due` (alias u) is held, null where it is not. "Held" is derived, never stored, so that
 * opening a breaker, a pause or a Retry-After is one row update whatever the backlog. Needs HELD_JOINS.
 */
export const HELD_REASON = `case
    when u.delivery_id is null then null
    when ht.state = 'disabled' then 'disabled'
    when ht.state = 'paused' then 'paused'
    when hl.blocked_until > now() then hl.blocked_reason
    when hl.recovery = 'probing' then 'breaker_open'
    when u.due_at > now() and u.reason in ('receiver_asked', 'delay') then u.reason
  end`

/** SQL: what HELD_REASON reads besides `due`. */
export const HELD_JOINS = `left join destinations ht on ht.id = u.destination_id
  left join lanes hl on hl.destination_id = u.destination_id`
