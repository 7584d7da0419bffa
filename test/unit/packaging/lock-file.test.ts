import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

type LockedPackage = { optionalDependencies?: Record<string, string>; resolved?: string }

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, LockedPackage>
}

/** Where npm would look for `name` from the package at `path`: there and in every folder above. */
function isLocked(path: string, name: string): boolean {
  const place = `${path}${path === '' ? '' : '/'}node_modules/${name}`
  if (place in packages) return true
  return path !== '' && isLocked(path.slice(0, Math.max(0, path.lastIndexOf('node_modules/') - 1)), name)
}

describe('package-lock.json', () => {
  it('holds the packages of other platforms too, without which npm ci refuses a fresh clone', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !isLocked(path, name)),
    )
    expect(missing).toEqual([])
  })

  it('names no registry', () => {
    expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  })
})
