import type { FastifyInstance } from 'fastify'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import { renderLandingUrl } from '../offers/landing-url.ts'
import type { Click } from './click.ts'
import type { ClickWriter } from './click-writer.ts'
import { readLink } from './read-link.ts'
import { affiliateClickIdOf } from './subs.ts'

/** GET /click, the affiliate's link: the visitor is sent on once the click is in Postgres. */
export const redirectRoutes =
  (ctx: Pick<Context, 'catalogue'>, parts: { clickWriter: ClickWriter }) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get(
      '/click',
      {
        schema: {
          tags: ['clicks'],
          summary: "An affiliate's link: stores the click, then 302 to the offer's landing_url",
          description:
            'offer_id, affiliate_id, click_id (the affiliate’s own), sub1 to sub10; others are kept as params.',
          response: { 302: { description: 'To the landing_url of the offer' } },
        },
      },
      async (req, reply) => {
        const url = req.raw.url ?? ''
        const mark = url.indexOf('?')
        const userAgent = req.headers['user-agent']
        const request = readLink(mark === -1 ? '' : url.slice(mark + 1), { ip: req.ip, userAgent })
        const outcome = await parts.clickWriter.store(request)
        if ('refused' in outcome) throw toNotFound(outcome.refused)
        return reply
          .header('cache-control', 'no-store')
          .redirect(landingUrl(ctx.catalogue, outcome.click), 302)
      },
    )
  }

function landingUrl(catalogue: Catalogue, click: Click): string {
  const template = catalogue.offer(click.offerId)?.landingUrl
  if (template == null) throw new AppError('not_found', { field: 'offer_id' })
  const affiliate = catalogue.affiliate(click.affiliateId)
  return renderLandingUrl(template, {
    network_click_id: click.clickId,
    affiliate_click_id:
      affiliate === undefined ? click.affiliateClickId : affiliateClickIdOf(affiliate, click),
    affiliate_id: catalogue.partnerId('affiliate', click.affiliateId),
    offer_id: catalogue.partnerId('offer', click.offerId),
    subs: click.subs,
  })
}

/** A visitor is told no more than that the link leads nowhere. */
function toNotFound(refusal: AppError): AppError {
  if (refusal.field === undefined) return refusal
  return new AppError('not_found', {
    field: refusal.field,
    message: 'This link leads to no offer that takes visitors.',
    fix: 'Copy the link from the network again.',
    cause: refusal,
  })
}
