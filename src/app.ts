import { createPrincipalFinder } from './accounts/find-principal.ts'
import { keyRoutes } from './accounts/routes.ts'
import { advertiserRoutes } from './advertisers/routes.ts'
import { affiliateRoutes } from './affiliates/routes.ts'
import { createClickWriter } from './clicks/click-writer.ts'
import { redirectRoutes } from './clicks/redirect-routes.ts'
import { clickRoutes } from './clicks/routes.ts'
import type { Context } from './context.ts'
import { conversionReadRoutes } from './deliveries/conversion-routes.ts'
import { fireTestRoutes } from './deliveries/fire-test-routes.ts'
import { reversalRoutes } from './deliveries/reversal-routes.ts'
import { deliveryRoutes } from './deliveries/routes.ts'
import { traceRoutes } from './deliveries/trace-routes.ts'
import type { LookUp } from './destinations/check-host.ts'
import { destinationRoutes } from './destinations/routes.ts'
import { transferRoutes } from './destinations/transfer-routes.ts'
import { requireKey } from './http/authentication.ts'
import { createFailedAttempts } from './http/failed-attempts.ts'
import { honourIdempotencyKeys } from './http/idempotency.ts'
import { serveDocs, serveOpenApi } from './http/openapi.ts'
import { buildServer, type Server } from './http/server.ts'
import { refuseUnstorableText } from './http/text-check.ts'
import { conversionReportRoutes } from './intake/conversion-routes.ts'
import { inboundCallRoutes } from './intake/inbound-call-routes.ts'
import type { Intake } from './intake/intake.ts'
import { postbackRoutes } from './intake/routes.ts'
import { offerRoutes } from './offers/routes.ts'
import { presetRoutes } from './presets/routes.ts'
import { healthRoutes } from './reports/health-routes.ts'
import { reportRoutes } from './reports/routes.ts'

/** What the API needs besides the context; made by who starts it, who also closes it. */
export type AppParts = {
  intake: Intake
  /** How hosts of destinations are looked up on save; default this machine's resolver. */
  lookUp?: LookUp
}

/** The whole HTTP side, ready to listen or to be injected. Closing it does not close the context. */
export async function buildApp(ctx: Context, parts: AppParts): Promise<Server> {
  const { intake } = parts
  const server = buildServer(ctx)
  server.decorateRequest('principal', null)
  const failedAttempts = createFailedAttempts(ctx.clock)
  const clickWriter = createClickWriter(ctx)
  await serveOpenApi(server, ctx.config.version)
  serveDocs(server)
  await server.register(healthRoutes(ctx))
  await server.register(postbackRoutes(ctx, { intake, failedAttempts }))
  await server.register(redirectRoutes(ctx, { clickWriter }))

  await server.register(
    async (v1) => {
      requireKey(v1, { failedAttempts, findPrincipal: createPrincipalFinder(ctx) })
      refuseUnstorableText(v1)
      honourIdempotencyKeys(v1, ctx)
      await v1.register(advertiserRoutes(ctx))
      await v1.register(offerRoutes(ctx))
      await v1.register(affiliateRoutes(ctx))
      await v1.register(destinationRoutes(ctx, parts.lookUp))
      await v1.register(transferRoutes(ctx))
      await v1.register(fireTestRoutes(ctx))
      await v1.register(presetRoutes(ctx))
      await v1.register(reversalRoutes(ctx))
      await v1.register(clickRoutes(ctx, { clickWriter }))
      await v1.register(conversionReportRoutes(ctx, { intake }))
      await v1.register(inboundCallRoutes(ctx, { intake }))
      await v1.register(conversionReadRoutes(ctx))
      await v1.register(deliveryRoutes(ctx))
      await v1.register(traceRoutes(ctx))
      await v1.register(reportRoutes(ctx))
      await v1.register(keyRoutes(ctx))
    },
    { prefix: '/v1' },
  )
  await server.ready()
  return server
}
