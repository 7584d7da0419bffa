import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PRESETS } from '../../config/presets/presets.ts'

const page = readFileSync(new URL('../../docs/trackers.md', import.meta.url), 'utf8')

test('the page on trackers says of each preset what its data says about reversals', () => {
  const told = page.matchAll(/^\| (\w+) \| (yes|no) \| (.*?) \| .* \|$/gm)
  const documented = [...told].map(([, name, byPostback, needs]) => ({ name, byPostback, needs }))
  const known = PRESETS.filter(({ name }) => name !== 'plain' && name !== 'google_data_manager').map(
    ({ name, reversal }) => ({
      name,
      byPostback: reversal.by_postback ? 'yes' : 'no',
      needs:
        (reversal.needs ?? [])
          .map(({ parameter, macro }) => `\`${parameter}=${macro.replaceAll('|', '\\|')}\``)
          .join(' ') || '–',
    }),
  )
  const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }): number =>
    String(a.name) < String(b.name) ? -1 : 1
  expect(documented.sort(byName)).toEqual(known.sort(byName))
})
