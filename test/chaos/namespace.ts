import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { NAMESPACE } from './remove-abandoned.ts'

const run = promisify(execFile)

/** A network namespace with one cable to ours. */
export type Namespace = {
  name: string
  /** Our end's address, which processes inside can reach. */
  hostAddress: string
  /** Nothing passes any more and nobody is told: packets are gone. */
  unplug(): Promise<void>
  plug(): Promise<void>
  remove(): Promise<void>
}

/** Null where namespaces can not be made (not root, no iproute2, a container that forbids it). */
export async function makeNamespace(): Promise<Namespace | null> {
  const net = process.pid % 250
  const name = NAMESPACE
  const [near, far] = [`rc${process.pid}a`, `rc${process.pid}b`]
  const hostAddress = `10.231.${net}.1`
  const ip = (...args: string[]) => run('ip', args)
  const inside = (...args: string[]) => run('ip', ['-n', name, ...args])
  const remove = async (): Promise<void> => {
    await ip('link', 'del', near).catch(() => undefined)
    await ip('netns', 'del', name).catch(() => undefined)
  }
  try {
    await ip('netns', 'add', name)
    await ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name)
    await ip('addr', 'add', `${hostAddress}/30`, 'dev', near)
    await ip('link', 'set', near, 'up')
    await inside('addr', 'add', `10.231.${net}.2/30`, 'dev', far)
    await inside('link', 'set', far, 'up')
    await inside('link', 'set', 'lo', 'up')
  } catch {
    await remove()
    return null
  }
  return {
    name,
    hostAddress,
    remove,
    async unplug() {
      await inside('link', 'set', far, 'down')
    },
    async plug() {
      await inside('link', 'set', far, 'up')
    },
  }
}
