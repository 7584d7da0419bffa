import { isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { bareHostname } from './addresses.ts'
import { OutboundFailure, relayCloses } from './failure.ts'

type Upgrade = (over: {
  socket: Socket
  hostname: string
  port: number
  limitMs: number
}) => Promise<TLSSocket>

const SESSIONS_MAX = 1000

/** TLS over an open connection; the certificate must be valid for the host's name. Sessions are resumed per origin. */
export function createTlsUpgrade(ca: string | undefined): Upgrade {
  const sessions = new Map<string, Buffer>()

  const keepSession = (origin: string, session: Buffer) => {
    if (sessions.size >= SESSIONS_MAX) sessions.delete(sessions.keys().next().value ?? '')
    sessions.set(origin, session)
  }

  return ({ socket, hostname, port, limitMs }) =>
    new Promise((resolve, reject) => {
      const host = bareHostname(hostname)
      const origin = `${host}:${port}`
      const session = sessions.get(origin)
      const secured = connectTls({
        socket,
        host,
        ...(isIP(host) === 0 && { servername: host }),
        ...(ca !== undefined && { ca }),
        ...(session !== undefined && { session }),
        ALPNProtocols: ['http/1.1'],
      })
      const fail = (failure: OutboundFailure) => {
        clearTimeout(timer)
        sessions.delete(origin)
        secured.destroy()
        reject(failure)
      }
      const onLate = () =>
        fail(
          new OutboundFailure(
            'connect_timeout',
            `no end of the TLS handshake within ${Math.round(limitMs)} ms`,
          ),
        )
      const timer = setTimeout(onLate, limitMs)
      let validTo: string | undefined
      // Runs before the verification, after whose failure the certificate is no longer to be had.
      secured.prependOnceListener('secure', () => {
        validTo = secured.getPeerCertificate().valid_to
      })
      const onError = (error: Error) =>
        fail(new OutboundFailure('tls_failed', whyNotTls(error, host, validTo)))
      const onClose = () => fail(relayCloses())
      secured.on('error', onError)
      secured.once('close', onClose)
      secured.on('session', (next: Buffer) => keepSession(origin, next))
      secured.once('secureConnect', () => {
        clearTimeout(timer)
        secured.off('error', onError).off('close', onClose)
        resolve(secured)
      })
    })
}

function whyNotTls(error: Error, host: string, validTo: string | undefined): string {
  const code = 'code' in error ? String(error.code) : ''
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return `the certificate expired${validTo === undefined ? '' : ` on ${new Date(validTo).toISOString().slice(0, 10)}`}`
    case 'CERT_NOT_YET_VALID':
      return 'the certificate is not valid yet'
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return 'the certificate is self-signed'
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'the certificate chain is incomplete or its issuer is not trusted'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate is not for ${host}`
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the receiver closed the connection during the TLS handshake'
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'the receiver does not speak TLS on this port'
    default:
      return `the TLS handshake failed (${code || error.message})`
  }
}
