import { connect, type Socket } from 'node:net'

/** HTTP/1.1 by hand, for load generators: a client would take more of the machine than what is measured. */
export function openConnection(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => resolve(socket))
    socket.setNoDelay(true)
    socket.once('error', reject)
  })
}

export type Answer = { status: number; head: string }

/** One call on a kept connection; the length of the answer is read from its head. Rejects where the connection ends. */
export function ask(socket: Socket, request: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let text = ''
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      const headEnd = text.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const head = text.slice(0, headEnd)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (text.length < headEnd + 4 + length) return
      socket.off('data', onData)
      socket.off('close', onClose)
      resolve({ status: Number(head.slice(9, 12)), head })
    }
    const onClose = (): void => reject(new Error('the connection was closed'))
    socket.on('data', onData)
    socket.once('close', onClose)
    socket.write(request)
  })
}
