import type { Advertiser } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import { OPTION_NAMES } from './call-options.ts'
import { isAddressAllowed } from './ip-allowlist.ts'
import { withoutHtmlEscape } from './parameters.ts'
import { assertSigned } from './signature.ts'

export type Sender = {
  method: string
  /** After `?`; one byte per character. */
  query: string
  body: Buffer | null
  /** False where the sender sent more than `body` holds. */
  isWhole: boolean
  signature: string | undefined
  remoteIp: string
}

/** Why a call of a known advertiser is refused whatever it says, in the order in which it is checked; null: read it. */
export function findSenderRefusal(
  ctx: Pick<Context, 'secrets' | 'clock'>,
  advertiser: Advertiser,
  sender: Sender,
): AppError | null {
  if (advertiser.archived)
    return new AppError('archived', {
      message: 'This advertiser is archived, its reports are not taken.',
      fix: 'Ask the network to restore the advertiser.',
    })
  if (!isAddressAllowed(advertiser.ipAllowlist, sender.remoteIp)) return new AppError('ip_not_allowed')
  if (!sender.isWhole) return new AppError('body_too_large')
  if (advertiser.signingSecret === null) return null
  return findSignatureRefusal(ctx, advertiser.signingSecret, sender)
}

function findSignatureRefusal(
  ctx: Pick<Context, 'secrets' | 'clock'>,
  sealedSecret: string,
  sender: Sender,
): AppError | null {
  const isPost = sender.method === 'POST'
  try {
    assertSigned({
      secret: ctx.secrets.open(sealedSecret),
      header: sender.signature,
      signed: isPost ? (sender.body ?? Buffer.alloc(0)) : Buffer.from(sender.query, 'latin1'),
      nowMs: ctx.clock.nowMs(),
    })
    if (isPost) assertNothingUnsigned(sender.query)
    return null
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

/** The signature of a POST covers its body alone; a query beside it could have been added on the way. */
function assertNothingUnsigned(query: string): void {
  const isOption = (pair: string): boolean =>
    pair === '' || OPTION_NAMES.has(withoutHtmlEscape(pair.split('=', 1)[0] ?? ''))
  if (query.split('&').every(isOption)) return
  throw new AppError('signature_invalid', {
    message: 'The query of a signed POST holds parameters that the signature does not cover.',
    fix: 'Send all parameters in the signed body.',
  })
}
