type ErrorCode = { status: number; message: string; fix?: string }

/**
 * The one catalogue of what callers can be told: code -> HTTP status, public text, how to mend it.
 * docs/errors.md lists the same codes (a test compares them).
 */
const table = {
  // The request as such
  malformed: { status: 400, message: 'The request could not be read.' },
  invalid_field: { status: 400, message: 'A field has a value that it can not have.' },
  missing_field: { status: 400, message: 'A required field is missing.' },
  unknown_field: {
    status: 400,
    message: 'This field does not exist.',
    fix: 'Remove it, or check its spelling.',
  },
  not_available: { status: 400, message: 'This feature is not built yet.', fix: 'Leave the field out.' },
  too_many_parameters: {
    status: 400,
    message: 'More than 500 parameters.',
    fix: 'Send only the parameters that are used.',
  },
  request_timeout: {
    status: 408,
    message: 'The request did not arrive in time.',
    fix: 'Send it again, within 30 seconds.',
  },
  body_too_large: {
    status: 413,
    message: 'The body is too large.',
    fix: 'At most 1 MiB; lists of data 8 MiB.',
  },
  unsupported_media_type: {
    status: 415,
    message: 'This content type is not understood.',
    fix: 'Send content-type application/json.',
  },
  too_long: {
    status: 431,
    message: 'URL and headers are over 16 KiB.',
    fix: 'Send long values in the body of a POST.',
  },
  not_found: {
    status: 404,
    message: 'There is nothing at this address.',
    fix: 'Check the address (see /docs) and the id in it.',
  },
  method_not_allowed: { status: 405, message: 'This address does not take this method.' },
  // Who is calling
  unauthorized: {
    status: 401,
    message: 'The key is missing or not valid.',
    fix: 'Send "Authorization: Bearer <key>".',
  },
  unknown_token: {
    status: 401,
    message: 'This postback token is not known.',
    fix: 'Copy the postback URL from the network again; tokens can be rotated.',
  },
  forbidden: { status: 403, message: 'This key may not do that.', fix: 'Use a key with the role for it.' },
  ip_not_allowed: {
    status: 403,
    message: "The calling address is not on this advertiser's list.",
    fix: 'Ask the network to add the address to ip_allowlist.',
  },
  signature_missing: {
    status: 401,
    message: 'The X-Signature header is missing.',
    fix: 'Send X-Signature: t=<unix seconds>,v1=<hex hmac-sha256>.',
  },
  signature_invalid: {
    status: 401,
    message: 'The signature does not match.',
    fix: 'Sign "<t>.<raw query of a GET or raw body of a POST>" with the shared secret.',
  },
  signature_expired: {
    status: 401,
    message: 'The signature is older than 5 minutes or from the future.',
    fix: 'Sign each call anew and check the clock of the sending machine.',
  },
  too_many_failures: {
    status: 429,
    message: 'Too many failed authentications from this address.',
    fix: 'Wait a minute and check key or token.',
  },
  rate_limited: { status: 429, message: 'Over the agreed rate.', fix: 'Wait as long as Retry-After says.' },
  overloaded: {
    status: 503,
    message: 'More calls than can be stored right now. Nothing was stored.',
    fix: 'Send it again after Retry-After.',
  },
  store_unavailable: {
    status: 503,
    message: 'The store does not answer. Nothing was stored.',
    fix: 'Send it again after Retry-After.',
  },
  // What was reported
  click_id_missing: {
    status: 400,
    message: 'No click id, no affiliate and offer, and no known transaction id.',
    fix: "Send the click id that the network's link carried, as click_id.",
  },
  macro_not_replaced: {
    status: 400,
    message: 'The click id is a placeholder that was never replaced.',
    fix: "Use the sending system's own macro for the click id.",
  },
  unknown_status: {
    status: 400,
    message: 'This status word is not known.',
    fix: 'Send approved, pending or rejected, or have the word added to status_map.',
  },
  invalid_amount: {
    status: 400,
    message: 'The amount is not a plain decimal number.',
    fix: 'Send up to 12 digits before and 6 after the point, no sign, no thousands separator. For a reversal send status=rejected.',
  },
  invalid_currency: {
    status: 400,
    message: 'The currency is not known.',
    fix: 'Send an ISO 4217 code, or USDT, USDC, BTC, ETH.',
  },
  invalid_time: {
    status: 400,
    message: 'The time can not be read.',
    fix: 'Send RFC 3339, unix seconds or unix milliseconds, between 2000 and at most 24 h from now.',
  },
  field_too_long: { status: 400, message: 'The value is too long.', fix: 'Shorten it.' },
  invalid_encoding: {
    status: 400,
    message: 'The value is not valid percent-encoded UTF-8 without NUL.',
    fix: 'Encode the value as UTF-8, then percent-encode it.',
  },
  unknown_offer: {
    status: 400,
    message: 'There is no such offer.',
    fix: 'Send the id or external_id of an offer of this network.',
  },
  unknown_affiliate: {
    status: 400,
    message: 'There is no such affiliate.',
    fix: 'Send the id or external_id of an affiliate of this network.',
  },
  unknown_advertiser: {
    status: 400,
    message: 'There is no such advertiser.',
    fix: 'Send the id or external_id of an advertiser of this network.',
  },
  offer_of_other_advertiser: {
    status: 403,
    message: 'The offer belongs to another advertiser.',
    fix: "Use the token of the offer's advertiser.",
  },
  ambiguous_conversion: {
    status: 409,
    message: 'Several conversions fit this report.',
    fix: 'Send the event (and the transaction_id) of the one that is meant.',
  },
  // The catalogue
  click_exists: {
    status: 409,
    message: 'This click id is stored with other content.',
    fix: 'Use a new click id; a click never changes.',
  },
  changed_meanwhile: {
    status: 409,
    message: 'Somebody else changed it at the same time; nothing was stored.',
    fix: 'Send the change again.',
  },
  external_id_taken: { status: 409, message: 'This external_id is in use.', fix: 'Choose another one.' },
  archived: {
    status: 409,
    message: 'It is archived.',
    fix: 'Restore it with PATCH {"archived":false} first.',
  },
  not_active: {
    status: 409,
    message: 'It is paused or blocked.',
    fix: 'Set its state to active first.',
  },
  preset_exists: {
    status: 409,
    message: 'There is a preset of this name.',
    fix: 'Choose another name, or change yours with PATCH.',
  },
  destination_invalid: {
    status: 422,
    message: 'This destination can not work.',
    fix: 'See findings for each problem and its fix.',
  },
  idempotency_key_reused: {
    status: 409,
    message: 'This Idempotency-Key came with another request before, or that request is still running.',
    fix: 'Use a new key for a new request.',
  },
  // Replay
  newer_revision: {
    status: 409,
    message: 'A newer revision of this conversion exists for this destination; the tracker must not go back.',
    fix: 'Replay the delivery of the newest revision.',
  },
  no_original: {
    status: 409,
    message: 'There is no recorded request to send again.',
    fix: 'Replay with render "current".',
  },
  test_delivery: {
    status: 409,
    message: 'This is a test fire, which is not sent again.',
    fix: 'Fire a new test.',
  },
  still_skipped: {
    status: 409,
    message: "Today's rules still skip this delivery.",
    fix: 'Change the destination so that it selects this conversion, then replay.',
  },
  not_reprocessable: {
    status: 409,
    message: 'This call can not be processed again.',
    fix: 'Ask the advertiser to report the conversion again.',
  },
  internal_error: {
    status: 500,
    message: 'Something failed on our side.',
    fix: 'Try again; if it stays, give request_id to support.',
  },
} as const satisfies Record<string, ErrorCode>

export type ErrorCodeName = keyof typeof table

export const ERROR_CODES: Readonly<Record<ErrorCodeName, ErrorCode>> = table
