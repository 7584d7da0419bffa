import { request } from 'node:http'
import { isIPv6, type Socket } from 'node:net'
import { OutboundFailure, toFailure } from './failure.ts'
import type { OpenSocket } from './tcp.ts'

/**
 * Connections through an egress proxy. The proxy is asked for the vetted address, never for the name, so it can not
 * resolve it to another one; the name is only in SNI and in the Host header of the call itself.
 */
export function createTunnel(proxyUrl: string): OpenSocket {
  const proxy = new URL(proxyUrl)
  const authorization = basicAuthorization(proxy)
  return ({ ip, port, limitMs, track }) =>
    new Promise<Socket>((resolve, reject) => {
      const authority = `${isIPv6(ip) ? `[${ip}]` : ip}:${port}`
      const connect = request({
        host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: proxy.port || 80,
        method: 'CONNECT',
        path: authority,
        headers: { host: authority, ...authorization },
        agent: false,
      })
      track(connect)
      const timer = setTimeout(() => {
        connect.destroy(new OutboundFailure('connect_timeout', `the proxy did not connect to ${ip} in time`))
      }, limitMs)
      connect.once('error', (error) => {
        clearTimeout(timer)
        reject(proxyFailure(error))
      })
      connect.once('connect', (answer, socket: Socket, head) => {
        clearTimeout(timer)
        if (answer.statusCode === 200 && head.length === 0) {
          track(socket)
          socket.setNoDelay(true)
          return resolve(socket)
        }
        socket.destroy()
        reject(
          new OutboundFailure('connect_failed', `the proxy answered ${answer.statusCode} for ${authority}`),
        )
      })
      connect.end()
    })
}

function proxyFailure(error: Error): OutboundFailure {
  if (error instanceof OutboundFailure) return error
  return new OutboundFailure('connect_failed', `proxy: ${toFailure(error)?.message ?? error.message}`)
}

function basicAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}
