import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** Encrypts what must be readable again (destination secrets, signing secrets). AES-256-GCM, `v1.<base64url>`. */
export type SecretBox = {
  seal(plain: string): string
  /** Throws if the text was sealed with another key or changed. */
  open(sealed: string): string
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

export function createSecretBox(secretsKey: string): SecretBox {
  const key = createHash('sha256').update(secretsKey).digest()
  return {
    seal(plain) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return `v1.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`
    },
    open(sealed) {
      const bytes = Buffer.from(sealed.slice(3), 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
      const body = bytes.subarray(NONCE_BYTES + TAG_BYTES)
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
    },
  }
}

/** Keys and tokens are random and long, so one SHA-256 is a safe way to store and look them up. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** A random token of 32 bytes, base64url. */
export const newSecret = (prefix: string): string => `${prefix}_${randomBytes(32).toString('base64url')}`
