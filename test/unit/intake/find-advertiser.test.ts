import { expect, test } from 'vitest'
import type { Advertiser, Catalogue } from '../../../src/catalogue/catalogue.ts'
import { createFindAdvertiser } from '../../../src/intake/find-advertiser.ts'
import { systemClock } from '../../../src/kit/clock.ts'
import { hashSecret, newSecret } from '../../../src/kit/secret-box.ts'

function startLookup(refresh: () => Promise<void> = async () => undefined) {
  const known = new Map<string, Advertiser>()
  const looks: number[] = []
  const catalogue = {
    advertiserByToken: (hash: string) => known.get(hash),
    refresh: async () => {
      looks.push(performance.now())
      await refresh()
    },
  } as Partial<Catalogue> as Catalogue
  const find = createFindAdvertiser({ catalogue, clock: systemClock })
  const add = (token: string): void => {
    known.set(hashSecret(token).toString('hex'), { name: token } as Advertiser)
  }
  return { find, add, looks }
}

test('a flood of unknown tokens asks Postgres at most once in a quarter of a second', async () => {
  const { find, looks } = startLookup()
  for (let round = 0; round < 3; round++)
    await Promise.all(Array.from({ length: 100 }, () => find(newSecret('adv'))))
  expect(looks).toHaveLength(3)
  expect((looks[2] ?? 0) - (looks[0] ?? 0)).toBeGreaterThan(450)
})

test('a known token is found without a look, one made after the last look by the next', async () => {
  const { find, add, looks } = startLookup()
  const [early, late] = [newSecret('adv'), newSecret('adv')]
  add(early)
  expect(await find(early)).toMatchObject({ name: early })
  expect(looks).toHaveLength(0)
  await find(newSecret('adv'))
  const waiting = find(late)
  add(late)
  expect(await waiting).toMatchObject({ name: late })
})

test('what can not be a token is unknown without a look', async () => {
  const { find, looks } = startLookup()
  for (const token of ['', 'x', 'x'.repeat(5000)]) expect(await find(token)).toBeUndefined()
  expect(looks).toHaveLength(0)
})

test('after a look that failed there is a next one', async () => {
  const failures = [new Error('away')]
  const { find } = startLookup(async () => {
    const error = failures.pop()
    if (error) throw error
  })
  await expect(find(newSecret('adv'))).rejects.toThrow('away')
  expect(await find(newSecret('adv'))).toBeUndefined()
})
