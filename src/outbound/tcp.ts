import { connect as connectTcp, type Socket } from 'node:net'
import { OutboundFailure, relayCloses } from './failure.ts'

export type Destroyable = { destroy(): unknown; once(event: 'close', listener: () => void): unknown }
/** Called for whatever has to be destroyed when the connector closes. */
export type Track = (thing: Destroyable) => void

/** A TCP connection to an address, within limitMs. */
export type OpenSocket = (to: { ip: string; port: number; limitMs: number; track: Track }) => Promise<Socket>

export const openTcp: OpenSocket = ({ ip, port, limitMs, track }) =>
  new Promise((resolve, reject) => {
    const socket = connectTcp({ host: ip, port, noDelay: true })
    track(socket)
    const timer = setTimeout(() => {
      fail(new OutboundFailure('connect_timeout', `no connection to ${ip} within ${Math.round(limitMs)} ms`))
    }, limitMs)
    const fail = (error: Error) => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const onClose = () => fail(relayCloses())
    socket.once('error', fail)
    socket.once('close', onClose)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', fail).off('close', onClose)
      resolve(socket)
    })
  })

const ADDRESSES_TRIED_MAX = 4

/** Tries the addresses one after the other, within limitMs for all. Rejects with the last failure. */
export async function openFirst(
  addresses: readonly string[],
  limitMs: number,
  openOne: (ip: string, limitMs: number) => Promise<Socket>,
): Promise<Socket> {
  const tried = addresses.slice(0, ADDRESSES_TRIED_MAX)
  const endsMs = performance.now() + limitMs
  // What is told where the process stood still for so long that not even the first was tried.
  let failure: unknown = new OutboundFailure('connect_timeout', `no connection within ${limitMs} ms`)
  for (const [index, ip] of tried.entries()) {
    const leftMs = endsMs - performance.now()
    const isLast = index === tried.length - 1
    if (leftMs <= 0) break
    try {
      return await openOne(ip, isLast ? leftMs : leftMs / 2)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}
