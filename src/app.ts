import { createPrincipalFinder } from './accounts/find-principal.ts'
import { keyRoutes } from './accounts/routes.ts'
import { advertiserRoutes } from './advertisers/routes.ts'
import { affiliateRoutes } from './affiliates/routes.ts'
import type { Context } from './context.ts'
import { requireKey } from './http/authentication.ts'
import { createFailedAttempts } from './http/failed-attempts.ts'
import { honourIdempotencyKeys } from './http/idempotency.ts'
import { serveDocs, serveOpenApi } from './http/openapi.ts'
import { buildServer, type Server } from './http/server.ts'
import { refuseUnstorableText } from './http/text-check.ts'
import type { Intake } from './intake/intake.ts'
import { offerRoutes } from './offers/routes.ts'
import { healthRoutes } from './reports/health-routes.ts'
import { reportRoutes } from './reports/routes.ts'

/** What the API needs besides the context; made by who starts it, who also closes it. */
export type AppParts = { intake: Intake }

/** The whole HTTP side, ready to listen or to be injected. Closing it does not close the context. */
export async function buildApp(ctx: Context, _parts: AppParts): Promise<Server> {
  const server = buildServer(ctx)
  server.decorateRequest('principal', null)
  const failedAttempts = createFailedAttempts(ctx.clock)
  await serveOpenApi(server, ctx.config.version)
  await serveDocs(server)
  await server.register(healthRoutes(ctx))

  await server.register(
    async (v1) => {
      requireKey(v1, { failedAttempts, findPrincipal: createPrincipalFinder(ctx) })
      refuseUnstorableText(v1)
      honourIdempotencyKeys(v1, ctx)
      await v1.register(advertiserRoutes(ctx))
      await v1.register(offerRoutes(ctx))
      await v1.register(affiliateRoutes(ctx))
      await v1.register(keyRoutes(ctx))
      await v1.register(reportRoutes(ctx))
    },
    { prefix: '/v1' },
  )
  await server.ready()
  return server
}
