import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCsv, type TransferRow, toCsv } from '../../../src/destinations/transfer-csv.ts'
import { AppError } from '../../../src/kit/app-error.ts'

const goodRows = (csv: string): TransferRow[] =>
  readCsv(csv).map((row) => {
    if (row instanceof AppError) throw row
    return row
  })

describe('CSV of destinations', () => {
  test('read back is what was written', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
      fc.stringMatching(/^'{0,3}[=+\-@]x$/),
    )
    const word = fc.stringMatching(/^[a-z[\]|"]{1,9}$/)
    const row = fc.record({
      name: text,
      url: text,
      body: text,
      events: fc.uniqueArray(word, { minLength: 1, maxLength: 4 }),
      fallback: fc.boolean(),
      delay_seconds: fc.nat(2_592_000),
      headers: fc.dictionary(word, text, { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
      url_by_status: fc.record({ rejected: text }),
    })
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (rows) => {
        expect(goodRows(toCsv(rows))).toEqual(rows)
      }),
      { numRuns: 1000 },
    )
  })

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '=HYPERLINK("http://evil.example")'])(
    'holds no formula: %s',
    (name) => {
      const [, line = ''] = toCsv([{ name }]).split('\r\n')
      expect(line).toMatch(/,"?'/)
      expect(goodRows(toCsv([{ name }]))).toEqual([{ name }])
    },
  )

  test.each([
    [
      'tabs, as a spreadsheet copies',
      'name\turl\r\na;b\thttps://t.example/?a=1,2\r\n',
      [{ name: 'a;b', url: 'https://t.example/?a=1,2' }],
    ],
    [
      'the empty columns and rows that Excel adds',
      'name;url;;\r\na;https://t.example/;;\r\nb;https://t.example/;;;\r\n;;;\r\n',
      [
        { name: 'a', url: 'https://t.example/' },
        { name: 'b', url: 'https://t.example/' },
      ],
    ],
  ])('is read with %s', (_, csv, rows) => {
    expect(goodRows(csv)).toEqual(rows)
  })

  test('may come from a spreadsheet: a byte order mark, semicolons, missing cells, empty lines', () => {
    const csv = '\ufeffname;url;fallback\r\n"a;b";https://t.example/;TRUE\r\n\r\nc\r\n'
    expect(goodRows(csv)).toEqual([{ name: 'a;b', url: 'https://t.example/', fallback: true }, { name: 'c' }])
  })

  test.each([
    ['fallback', 'maybe'],
    ['delay_seconds', '1.5'],
    ['headers', '{"a":'],
  ])('a cell of %s that says "%s" refuses its row only', (name, cell) => {
    const [bad, good] = readCsv(`name,${name}\r\na,"${cell.replaceAll('"', '""')}"\r\nb,\r\n`)
    expect(bad).toMatchObject({ code: 'invalid_field', field: name })
    expect(good).toEqual({ name: 'b' })
  })

  test.each([
    ['an unknown column', 'name,nope\r\na,b', 'unknown_field'],
    ['a column twice', 'name,name\r\na,b', 'invalid_field'],
    ['an open quote', 'name\r\n"a', 'malformed'],
    ['a dangerous column', 'name,__proto__\r\na,b', 'unknown_field'],
  ])('with %s is refused', (_, csv, code) => {
    expect(() => readCsv(csv)).toThrow(expect.objectContaining({ code }))
  })

  test('of any text either is read or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        try {
          readCsv(text)
        } catch (error) {
          expect(error).toBeInstanceOf(AppError)
        }
      }),
      { numRuns: 5000 },
    )
  })
})
