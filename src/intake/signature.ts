import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { AppError } from '../kit/app-error.ts'

const TOLERANCE_S = 300
const HEX_SHA256 = /^[0-9a-f]{64}$/i

export type SignedCall = {
  secret: string
  /** `t=<unix seconds>,v1=<hex>`; several v1 are allowed while a secret is changed. */
  header: string | undefined
  /** The raw query of a GET, the raw body of a POST. */
  signed: Buffer
  nowMs: number
}

/** Throws AppError `signature_missing`, `signature_invalid` or, not within 5 minutes of now, `signature_expired`. */
export function assertSigned({ secret, header, signed, nowMs }: SignedCall): void {
  if (header === undefined || header.trim() === '') throw new AppError('signature_missing')
  const { time, digests } = readHeader(header)
  const expected = createHmac('sha256', secret).update(`${time}.`).update(signed).digest()
  if (!digests.some((digest) => timingSafeEqual(digest, expected))) throw new AppError('signature_invalid')
  if (Math.abs(nowMs / 1000 - Number(time)) > TOLERANCE_S) throw new AppError('signature_expired')
}

/** Tells one sealed secret from another and nothing about either. */
export const secretMark = (sealedSecret: string): string =>
  hash('sha256', sealedSecret, 'base64url').slice(0, 16)

function readHeader(header: string): { time: string; digests: Buffer[] } {
  let time = ''
  const digests: Buffer[] = []
  for (const part of header.split(',')) {
    const [name, value = ''] = part.trim().split('=', 2)
    if (name === 't' && /^\d{1,12}$/.test(value)) time = value
    else if (name === 'v1' && HEX_SHA256.test(value)) digests.push(Buffer.from(value, 'hex'))
  }
  return { time, digests }
}
