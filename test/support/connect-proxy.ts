import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'

export type ConnectProxy = {
  port: number
  /** What each CONNECT asked for. */
  authorities: string[]
  authorizations: (string | undefined)[]
  close(): Promise<void>
}

/** An egress proxy that takes CONNECT; `answer` replaces its 200, `silent` never answers. */
export async function startConnectProxy(
  options: { answer?: string; silent?: boolean } = {},
): Promise<ConnectProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((_req, res) => res.writeHead(405).end())
  const proxy: ConnectProxy = { port: 0, authorities: [], authorizations: [], close }
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.on('connect', (req, client: Socket) => {
    const authority = req.url ?? ''
    proxy.authorities.push(authority)
    proxy.authorizations.push(req.headers['proxy-authorization'])
    if (options.silent) return
    if (options.answer !== undefined) return client.end(options.answer)
    const upstream = connect(Number(authority.split(':').at(-1)), authority.replace(/:\d+$/, ''), () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    sockets.add(upstream)
    upstream.on('error', () => client.destroy())
    client.once('close', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  proxy.port = typeof address === 'object' && address !== null ? address.port : 0
  return proxy

  async function close() {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
}
