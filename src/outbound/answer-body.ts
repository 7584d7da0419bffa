import type { Transform } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'
import { toStorableText } from '../kit/text.ts'

/** How much of an answer is read, before and after decompression. */
export const BODY_BYTES_MAX = 64 * 1024

/** Bytes of a body up to the limit; what comes after is dropped. */
export class BodyBytes {
  readonly #chunks: Uint8Array[] = []
  #length = 0
  #isCut = false

  get isEmpty(): boolean {
    return this.#length === 0
  }

  get isCut(): boolean {
    return this.#isCut
  }

  /** False once the limit is passed: the rest need not be read. */
  add(chunk: Uint8Array): boolean {
    const left = BODY_BYTES_MAX - this.#length
    const kept = chunk.byteLength > left ? chunk.subarray(0, left) : chunk
    this.#chunks.push(kept)
    this.#length += kept.byteLength
    if (kept !== chunk) this.#isCut = true
    return !this.#isCut
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#chunks, this.#length)
  }
}

/**
 * The body as text: decompressed up to the limit, decoded as UTF-8 with U+FFFD for the rest, storable.
 * A body that is not what content-encoding says stays as it came, since its status is an answer all the same.
 */
export async function decodeBody(
  bytes: BodyBytes,
  contentEncoding: string | undefined,
): Promise<{ text: string; isCut: boolean }> {
  const raw = bytes.toBuffer()
  const encoding = contentEncoding?.trim().toLowerCase() ?? ''
  const decompressor = raw.length === 0 ? null : createDecompressor(encoding, raw)
  const plain = decompressor === null ? null : await decompress(decompressor, raw)
  const isCut = bytes.isCut || plain?.isCut === true
  return { text: toText(plain?.toBuffer() ?? raw, isCut), isCut }
}

function toText(bytes: Buffer, isCut: boolean): string {
  // A character cut in half at the limit is dropped rather than shown as broken.
  const text = new TextDecoder().decode(bytes, { stream: isCut })
  return toStorableText(text)
}

// An answer cut at the limit is an incomplete stream: flushed, it yields what is there.
const ZLIB_OPTIONS = { finishFlush: constants.Z_SYNC_FLUSH }

function createDecompressor(encoding: string, raw: Buffer): Transform | null {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(ZLIB_OPTIONS)
    case 'deflate':
      // Some servers send the bare stream without the zlib header (RFC 9110 8.4.1.2).
      return ((raw[0] ?? 0) & 0x0f) === 8 ? createInflate(ZLIB_OPTIONS) : createInflateRaw(ZLIB_OPTIONS)
    case 'br':
      return createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH })
    case 'zstd':
      return createZstdDecompress({ finishFlush: constants.ZSTD_e_flush })
    default:
      return null
  }
}

/** The decompressed bytes up to the limit, or null if the bytes are not of that encoding. */
function decompress(decompressor: Transform, raw: Buffer): Promise<BodyBytes | null> {
  return new Promise((resolve) => {
    const plain = new BodyBytes()
    const finish = (result: BodyBytes | null) => {
      decompressor.destroy()
      resolve(result)
    }
    decompressor.on('data', (chunk: Buffer) => {
      if (!plain.add(chunk)) finish(plain)
    })
    // Cut input is flushed without complaint, so nothing out of something means that it was another encoding.
    decompressor.once('end', () => finish(plain.isEmpty ? null : plain))
    decompressor.on('error', () => finish(null))
    decompressor.end(raw)
  })
}
