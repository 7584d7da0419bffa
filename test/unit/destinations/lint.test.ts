import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { preset } from '../../../config/presets/presets.ts'
import { lintUrl } from '../../../src/destinations/lint.ts'

const codes = (url: string, options: Parameters<typeof lintUrl>[1] = {}) =>
  lintUrl(url, options)
    .findings.filter(({ severity }) => severity !== 'info')
    .map(({ code, severity }) => `${severity} ${code}`)

const voluum = 'https://trk.shop.com/postback?cid={cid}&txid={transaction_id}'
const keitaro = 'https://trk.shop.com/key/postback?subid={cid}&tid={transaction_id}'

describe('foreign macros are written as ours', () => {
  test.each([
    ['#s2#', 'x=#s2#', 'x={sub2}'],
    ['#price# next to others', 'p=#price#&t=#tid#&o=#oid#', 'p={payout}&t={transaction_id}&o={offer_id}'],
    ['[=ClickID=]', 'x=[=ClickID=]&p=[=AffiliateCommission=]', 'x={affiliate_click_id}&p={payout}'],
    ['{{x}}', 'x={{clickid}}&y={{ sub3 }}', 'x={affiliate_click_id}&y={sub3}'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is a macro style
    ['${x}', 'x=${payout}', 'x={payout}'],
    ['%x%', 'x=%clickid%', 'x={affiliate_click_id}'],
    ['%%x%%', 'x=%%status%%', 'x={status}'],
    ['[x]', 'x=[clickid]', 'x={affiliate_click_id}'],
    ['TUNE', 'x={aff_sub}&y={aff_sub5}', 'x={sub1}&y={sub5}'],
    ['Affise', 'x={sum}&y={goal}&z={transactionid}', 'x={payout}&y={event}&z={transaction_id}'],
    ['Trackier', 'x={p1}&y={p3}&z={txn_id}', 'x={affiliate_click_id}&y={sub3}&z={transaction_id}'],
    ['Impact', 'x={SubId1}&y={Amount}&z={OID}', 'x={sub1}&y={sale_amount}&z={transaction_id}'],
    ['Everflow', 'x={payout_amount}&y={event_name}&z={order_id}', 'x={payout}&y={event}&z={transaction_id}'],
    ['Scaleo', 'x={sub_id2}', 'x={sub2}'],
    ['Keitaro status map', 's={status:lead=0 sale=1}', 's={status|map:pending=0,approved=1}'],
    ['Keitaro raw status map', 's={_status:lead=0 sale=1}', 's={status|map:pending=0,approved=1|raw}'],
    ['a status map in capitals', 's={Status:lead=0 sale=1}', 's={status|map:pending=0,approved=1}'],
    ['Keitaro raw', 'x={_sub1}', 'x={sub1|raw}'],
    ['wrong case', 'x={Sub5}&y={PAYOUT}', 'x={sub5}&y={payout}'],
    ['filters stay', 'x={ClickID|lower}', 'x={affiliate_click_id|lower}'],
    ['our own', 'x={clickid}&y={param:Foo}&z={sub1|map:a=b}', 'x={clickid}&y={param:Foo}&z={sub1|map:a=b}'],
    ['encoded text', 'x=%20a%20&y=%C3%A9&z=data[0]', 'x=%20a%20&y=%C3%A9&z=data[0]'],
  ])('%s', (_, query, expected) => {
    expect(lintUrl(`https://t.shop.com/p?${query}`).url).toBe(`https://t.shop.com/p?${expected}`)
  })

  test("a foreign sub becomes the affiliate's click id in the tracker's click-id parameter only", () => {
    expect(lintUrl('https://t.shop.com/postback?cid=#s2#&param1=#s2#').url).toBe(
      'https://t.shop.com/postback?cid={affiliate_click_id}&param1={sub2}',
    )
    expect(lintUrl('https://t.shop.com/key/postback?subid={aff_sub}&tid=#s1#').url).toBe(
      'https://t.shop.com/key/postback?subid={affiliate_click_id}&tid={sub1}',
    )
    expect(lintUrl('https://t.shop.com/postback?cid={sub2}').url).toContain('cid={sub2}')
  })

  test('a click id that CAKE spreads over two subs is one click id with us', () => {
    expect(lintUrl('https://t.shop.com/postback?cid=#s2##s3#').url).toContain('?cid={affiliate_click_id}')
    expect(lintUrl('https://t.shop.com/postback?cid=#s2##s3#').url).not.toContain('}{')
  })

  test.each([
    '{{nonsense}}',
    '[=Nope=]',
    '%%nope%%',
    '#nope#',
    '[nope]',
    '%nope%',
    '{revenue}',
    '{payout_usd}',
  ])('%s has no counterpart and is an error, never a literal', (macro) => {
    expect(codes(`https://t.shop.com/p?c={cid}&x=${macro}`)).toEqual(['error unknown_macro'])
  })

  test("the creative of CAKE is nobody's click id", () => {
    expect(codes('https://t.shop.com/p?c={cid}&creative=#cid#')).toEqual(['error unknown_macro'])
    expect(codes('https://t.shop.com/postback?cid=#cid#&txid=#tid#')).toEqual([
      'error unknown_macro',
      'error click_id_missing',
    ])
  })

  test('each translation is told once', () => {
    const { findings } = lintUrl('https://t.shop.com/p?a=#s2#&b=#s2#&cid={cid}')
    expect(findings.map(({ code, severity }) => [code, severity])).toEqual([['translated', 'info']])
  })
})

describe('what pasting breaks is mended', () => {
  test.each([
    ['encoded braces', 'p?cid=%7Bclickid%7D', 'p?cid={clickid}', 'encoded_braces'],
    ['twice encoded braces', 'p?cid=%257Bclickid%257D', 'p?cid={clickid}', 'encoded_braces'],
    ['&amp;', 'p?cid={cid}&amp;payout={payout}', 'p?cid={cid}&payout={payout}', 'html_escaped'],
    ['& for ?', 'p&cid={cid}&s={sub1}', 'p?cid={cid}&s={sub1}', 'ampersand_for_question_mark'],
    ['a second ?', 'p?cid={cid}?s={sub1}', 'p?cid={cid}&s={sub1}', 'double_question_mark'],
    ['??', 'p??cid={cid}', 'p?cid={cid}', 'double_question_mark'],
    ['spaces', 'p?cid= {cid} & s={sub1}', 'p?cid={cid}&s={sub1}', 'space_in_url'],
    [
      'zero-width spaces',
      'p?cid={cid}\u200b&s={\u200bsub1}\u2060',
      'p?cid={cid}&s={sub1}',
      'invisible_characters',
    ],
    [
      'marks of direction',
      '\u200ep?cid={cid}&s=\u202a{sub1}\u202c',
      'p?cid={cid}&s={sub1}',
      'invisible_characters',
    ],
    ['a line break', 'p?cid={cid}&s={su\r\nb1}', 'p?cid={cid}&s={sub1}', 'invisible_characters'],
  ])('%s', (_, given, mended, code) => {
    const lint = lintUrl(`https://t.shop.com/${given}`)
    expect(lint.url).toBe(`https://t.shop.com/${mended}`)
    expect(codes(`https://t.shop.com/${given}`)).toEqual([`warning ${code}`])
  })

  test.each(['to=https://x.shop.com/?a=1', 'to=/thanks?a=1', 'msg=Paid?'])(
    'a ? inside a value stays: %s',
    (pair) => {
      const url = `https://t.shop.com/p?cid={cid}&${pair}`
      expect(lintUrl(url).url).toBe(url)
    },
  )

  test('REPLACE and OPTIONAL become the macro of their parameter', () => {
    const given = 'https://t.shop.com/postback?cid=REPLACE&payout=OPTIONAL&txid=OPTIONAL&what=REPLACE'
    const lint = lintUrl(given)
    expect(lint.url).toBe(
      'https://t.shop.com/postback?cid={affiliate_click_id}&payout={payout}&txid={transaction_id}&what=REPLACE',
    )
    expect(lint.findings.map(({ code }) => code)).toEqual(Array(4).fill('placeholder_left'))
    expect(lintUrl('https://t.shop.com/x?clickid=replace').url).toBe(
      'https://t.shop.com/x?clickid={affiliate_click_id}',
    )
  })
})

describe('severity is that of the contract', () => {
  test.each([
    ['', ['error url_missing']],
    ['   ', ['error url_missing']],
    ['t.shop.com/p?cid={cid}', ['error scheme']],
    ['ftp://t.shop.com/p?cid={cid}', ['error scheme']],
    ['javascript:alert(1)//{cid}', ['error scheme']],
    ['https://user:pass@t.shop.com/p?cid={cid}', ['error credentials_in_url']],
    ['https://127.0.0.1/p?cid={cid}', ['error address_not_public']],
    ['https://0x7f.1/p?cid={cid}', ['error address_not_public']],
    ['https://2130706433/p?cid={cid}', ['error address_not_public']],
    ['https://[::ffff:10.0.0.1]/p?cid={cid}', ['error address_not_public']],
    ['https://localhost:8080/p?cid={cid}', ['error address_not_public']],
    ['https://t.shop.com:99999/p?cid={cid}', ['error bad_url']],
    ['https://{sub1}.shop.com/p?cid={cid}', ['error macro_in_host']],
    ['https://t.shop.com/p?cid={nope}', ['error unknown_macro', 'warning click_id_missing']],
    ['https://t.shop.com/p?cid={cid|nope}', ['error unknown_filter']],
    ['http://t.shop.com/p?cid={cid}', ['warning http']],
    ['https://t.shop.com:8443/p?cid={cid}', []],
    ['https://t.shop.com/p?x=1', ['warning click_id_missing']],
    ['https://t.shop.com/{cid}/p', []],
    ['https://t.shop.com/p?cid=123', ['warning literal_value']],
    ['https://t.shop.com/p?cid={cid}&payout=5', ['warning literal_value']],
    ['https://t.shop.com/p?cid={cid}&token=abc', ['warning secret_in_url']],
    ['https://t.shop.com/p?cid={cid}&a=1&a=2', ['warning parameter_repeated']],
    ['https://t.shop.com/p?cid={cid}#frag', ['warning fragment']],
    ['https://t.shop.com/p?cid={cid}&a=%2520', ['warning double_encoding']],
    ['https://t.shop.com/p?cid={cid}&a=5%', ['warning bad_percent']],
    [voluum, []],
    ['https://trk.shop.com/postback?cid={cid}', ['warning transaction_id_missing']],
    ['https://trk.shop.com/postback?cid=&txid={transaction_id}', ['error click_id_missing']],
    ['https://trk.shop.com/postback?cid={transaction_id}&txid={transaction_id}', ['error click_id_missing']],
    ['https://trk.shop.com/postback?CID={cid}&txid={transaction_id}', ['warning parameter_name']],
    [`${voluum}&sum={payout}`, ['warning parameter_name']],
    [`${voluum}&money={payout}`, ['warning payout_ignored']],
    [keitaro, ['warning status_missing']],
    [`${keitaro}&status={status}`, ['warning status_not_mapped']],
    [`${keitaro}&type={status}`, ['warning status_not_mapped']],
    [`${keitaro}&status={status}&sale_status=approved&lead_status=pending`, []],
    [`${keitaro}&status={status|map:approved=sale,pending=lead}`, []],
    [`${keitaro}&status=sale`, []],
    [`${keitaro}&status=bought`, ['warning literal_value']],
    ['https://trk.shop.com/click?cnv_status={status}&payout={payout_due}', ['error click_id_missing']],
    ['https://trk.shop.com/cf/cv?payout={payout}', ['error click_id_missing']],
  ])('%s: %j', (url, expected) => {
    expect(codes(url)).toEqual(expected)
  })

  test('ranges that are opened may be private', () => {
    expect(codes('http://127.0.0.1:9/p?cid={cid}', { allowCidrs: ['127.0.0.0/8'] })).toEqual(['warning http'])
  })

  test('plain switches off what is known of a tracker', () => {
    expect(codes('https://trk.shop.com/postback?cid={cid}', { preset: 'plain' })).toEqual([])
    expect(lintUrl('https://trk.shop.com/postback?cid={cid}', { preset: 'plain' })).toMatchObject({
      preset: 'plain',
      also: ['voluum', 'bemob'],
    })
  })

  test('an explicit preset is asked although the URL looks like another one', () => {
    expect(codes('https://trk.shop.com/x?payout={payout}', { preset: 'voluum' })).toEqual([
      'error click_id_missing',
      'warning transaction_id_missing',
    ])
  })

  test('a status that is never sent needs no word', () => {
    const url = 'https://trk.shop.com/postback?clickid={cid}&status={status}'
    expect(codes(url, { statuses: ['approved'] })).toEqual([])
    expect(codes(url)).toEqual(['warning status_not_mapped'])
  })

  test('over 8 KiB only the length is looked at', () => {
    expect(codes(`https://t.shop.com/?x=${'a'.repeat(8200)}`)).toEqual(['error url_too_long'])
  })

  test('every finding has a message and a fix', () => {
    const url = 'http://trk.shop.com/postback&CID=REPLACE&sum=5&token=a&token=b&x=%%z#f'
    for (const finding of lintUrl(url).findings) {
      expect(finding.message.length).toBeGreaterThan(10)
      expect(finding.fix.length).toBeGreaterThan(10)
    }
  })
})

/** CPU time of this thread, so that a busy machine does not count. */
function cpuMs(run: () => void): number {
  const before = process.threadCpuUsage()
  run()
  const used = process.threadCpuUsage(before)
  return (used.user + used.system) / 1000
}

describe('any text whatever', () => {
  const pieces = fc.oneof(
    fc.constantFrom(
      ...['https://', 'http://', '{', '}', '{{', '}}', '#', '##', '%', '%%', '[', ']', '[=', '=]', '$'],
      ...['?', '&', '=', '/', '|', ':', ',', ' ', '\n', '\0', 'clickid', 's2', 'REPLACE', '{cid}', '..', '@'],
      ...['postback', 'cid', 'map', 'date:', 'Europe/Berlin', '%7B', '%7D', '%25', '\\', '127.1', '\ud800'],
    ),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
  )
  const text = fc.array(pieces, { maxLength: 30 }).map((all) => all.join('').slice(0, 8192))

  test('is answered and never throws', () => {
    fc.assert(
      fc.property(text, (url) => {
        const lint = lintUrl(url)
        expect(preset(lint.preset)).not.toBeNull()
        for (const { severity } of lint.findings) expect(['error', 'warning', 'info']).toContain(severity)
      }),
      { numRuns: Number(process.env.LINT_RUNS ?? 5000) },
    )
  })

  test.each([
    ['{', 8192],
    ['{{a', 2700],
    ['#a', 4096],
    ['%', 8192],
    [' ', 8192],
    ['?', 8192],
    ['&', 8192],
    ['&a=REPLACE', 800],
    ['[=a', 2700],
    ['{a|map:b=c}', 700],
    ['%7Ba', 2000],
    ['https://', 1000],
    ['/..', 2700],
    ['{status:a=b ', 680],
    ['{cid}', 1600],
  ])('made of %s many times costs no quadratic time', (piece, times) => {
    const url = `https://t.shop.com/p?x=${piece.repeat(times)}`.slice(0, 8192)
    lintUrl(url)
    const best = Math.min(...[1, 2, 3].map(() => cpuMs(() => lintUrl(url))))
    // Some 10 ms each; backtracking would take seconds.
    expect(best).toBeLessThan(200)
  })
})
