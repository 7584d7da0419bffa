import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** A helper process of the suite that answers questions one by one. */
export type Child = {
  pid: number
  ask<Answer>(question: unknown): Promise<Answer>
  stop(): Promise<void>
}

type Reply = { id: number; answer?: unknown; error?: string }

export function startChild(file: string, env: Record<string, string>): Child {
  const child: ChildProcess = fork(new URL(file, import.meta.url), {
    env: { PATH: process.env.PATH, ...env },
  })
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>()
  let asked = 0
  child.on('message', ({ id, answer, error }: Reply) => {
    const one = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) one?.resolve(answer)
    else one?.reject(new Error(error))
  })
  child.on('exit', () => {
    for (const one of waiting.values()) one.reject(new Error(`${file} ended`))
  })
  return {
    pid: child.pid ?? 0,
    ask: <Answer>(question: unknown) =>
      new Promise<Answer>((resolve, reject) => {
        const id = asked++
        waiting.set(id, { resolve: (answer) => resolve(answer as Answer), reject })
        child.send({ id, question })
      }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** The other side: runs in the helper process, which ends with its parent. */
export function serveParent<Question>(answer: (question: Question) => Promise<unknown> | unknown): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', async ({ id, question }: { id: number; question: Question }) => {
    try {
      process.send?.({ id, answer: await answer(question) })
    } catch (error) {
      process.send?.({ id, error: String(error) })
    }
  })
}
