import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

export type TcpProxy = {
  port: number
  /** Ends every connection; new ones are taken. */
  cut(): void
  /** Ends every connection and takes no more. */
  leave(): Promise<void>
  comeBack(): Promise<void>
  /** The connections of this moment stay open and carry nothing any more, as behind a dead network; new ones work. */
  freeze(): void
  close(): Promise<void>
}

/** A server between client and real server that can do to connections what networks do. */
export async function startTcpProxy(target: { port: number; isUp?: boolean }): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const accept = (near: Socket): void => {
    const far = connect(target.port, '127.0.0.1')
    const end = (): void => {
      near.destroy()
      far.destroy()
      sockets.delete(near)
    }
    sockets.add(near)
    for (const socket of [near, far]) socket.on('error', end).on('close', end)
    near.pipe(far)
    far.pipe(near)
  }
  let server: Server | null = null
  let port = 0
  const open = (): Promise<void> =>
    new Promise((resolve) => {
      const opened = createServer(accept).listen(port, '127.0.0.1', () => {
        port = (opened.address() as AddressInfo).port
        server = opened
        resolve()
      })
    })
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const leave = async (): Promise<void> => {
    const leaving = server
    server = null
    const closed = new Promise<void>((resolve) =>
      leaving === null ? resolve() : leaving.close(() => resolve()),
    )
    cut()
    await closed
  }
  await open()
  if (target.isUp === false) await leave()
  return {
    port,
    cut,
    leave,
    comeBack: open,
    freeze() {
      for (const socket of sockets) socket.unpipe()
    },
    close: leave,
  }
}
