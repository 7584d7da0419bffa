import type { Config } from '../../config/schema.ts'
import type { OutboundParts } from './connector.ts'
import { createGotOutbound } from './got-outbound.ts'
import type { Outbound } from './outbound.ts'
import { createUndiciOutbound } from './undici-outbound.ts'

/** The HTTP client of deliveries that DELIVERY_HTTP_CLIENT names. */
export const createOutbound = (parts: OutboundParts & { config: Pick<Config, 'httpClient'> }): Outbound =>
  parts.config.httpClient === 'undici' ? createUndiciOutbound(parts) : createGotOutbound(parts)
