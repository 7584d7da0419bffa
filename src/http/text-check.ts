import type { FastifyInstance } from 'fastify'
import { AppError } from '../kit/app-error.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For `data` lists, where a bad item refuses itself only and the items are checked one by one. */
    checksOwnText?: boolean
  }
}

/** Refuses what Postgres can not store, before any use case sees it: NUL and lone surrogates, in names and values. */
export function refuseUnstorableText(app: Pick<FastifyInstance, 'addHook'>): void {
  app.addHook('preValidation', async (request) => {
    assertStorable(request.params, '')
    assertStorable(request.query, '')
    if (request.routeOptions.config.checksOwnText !== true) assertStorable(request.body, '')
  })
}

/** Throws AppError `invalid_encoding` naming the first field that holds such text. */
export function assertStorable(value: unknown, field: string): void {
  if (typeof value === 'string') {
    if (!isStorable(value)) throw refusal(field)
    return
  }
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return
  for (const [name, member] of Object.entries(value)) {
    const path = field === '' ? name : `${field}.${name}`
    if (!isStorable(name)) throw refusal(field)
    assertStorable(member, path)
  }
}

const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

const refusal = (field: string): AppError =>
  new AppError('invalid_encoding', {
    message: 'The value holds a NUL or a broken Unicode character.',
    ...(field !== '' && { field }),
    fix: 'Send text without NUL bytes and lone surrogates.',
  })
