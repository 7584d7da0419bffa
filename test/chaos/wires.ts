import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { serveParent } from './child.ts'
import type { WireMode, WireQuestion } from './wires-contract.ts'

// Every connection between a process of the relay and a server passes a wire here, which can be cut.

const host = process.env.HOST ?? '127.0.0.1'
type Pair = { near: Socket; far: Socket | null }
type Wire = { port: number; mode: WireMode; pairs: Set<Pair>; server: Server }
const wires = new Map<string, Wire>()

async function open(name: string, targetPort: number): Promise<number> {
  const server = createServer()
  const wire: Wire = { port: 0, mode: 'open', pairs: new Set(), server }
  server.on('connection', (near) => join(wire, near, targetPort))
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  wire.port = (server.address() as AddressInfo).port
  wires.set(name, wire)
  return wire.port
}

function join(wire: Wire, near: Socket, targetPort: number): void {
  near.setNoDelay(true)
  if (wire.mode === 'refusing') {
    near.resetAndDestroy()
    return
  }
  const far = wire.mode === 'silent' ? null : connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
  const pair = { near, far }
  wire.pairs.add(pair)
  // A dead network does not say that an end is gone either.
  const end = (): void => {
    if (wire.mode === 'silent') return
    near.destroy()
    far?.destroy()
    wire.pairs.delete(pair)
  }
  for (const socket of [near, far]) socket?.on('error', () => undefined).on('close', end)
  if (far === null) return
  near.pipe(far)
  far.pipe(near)
}

function setMode(name: string, mode: WireMode): void {
  const wire = wires.get(name)
  if (wire === undefined) throw new Error(`there is no wire ${name}`)
  wire.mode = mode
  for (const pair of wire.pairs) {
    if (mode === 'silent') {
      pair.near.unpipe()
      pair.far?.unpipe()
      continue
    }
    // What was cut off stays lost: after a silence too, since the peers have given up by then or will get a reset.
    pair.near.resetAndDestroy()
    pair.far?.resetAndDestroy()
    wire.pairs.delete(pair)
  }
}

serveParent<WireQuestion>((question) =>
  question.ask === 'open' ? open(question.wire, question.targetPort) : setMode(question.wire, question.mode),
)
