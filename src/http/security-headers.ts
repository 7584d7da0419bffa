import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import helmet from 'helmet'

// The API serves no pages, so its answers may load nothing at all; pages (docs) set their own policy.
const addHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  referrerPolicy: { policy: 'no-referrer' },
  crossOriginResourcePolicy: { policy: 'same-site' },
  // Whether the relay is reached over TLS is the business of what stands before it.
  strictTransportSecurity: false,
})

/** They are the same for every answer, so helmet is asked for them once. */
export function addSecurityHeaders(server: Pick<FastifyInstance, 'addHook'>): void {
  const headers: Record<string, string> = {}
  const recorder = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value
    },
    removeHeader: () => undefined,
  }
  addHeaders({} as IncomingMessage, recorder as unknown as ServerResponse, () => undefined)
  server.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers)
    done()
  })
}
