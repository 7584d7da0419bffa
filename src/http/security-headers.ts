import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

/** The API serves no pages, so its answers may load nothing at all; pages (docs) set their own policy. */
export function addSecurityHeaders(server: Pick<FastifyInstance, 'register'>): void {
  server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    referrerPolicy: { policy: 'no-referrer' },
    crossOriginResourcePolicy: { policy: 'same-site' },
    // Whether the relay is reached over TLS is the business of what stands before it.
    strictTransportSecurity: false,
  })
}
