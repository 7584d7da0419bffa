import { expect, test } from 'vitest'
import { ADVERTISER_CALLS } from '../../support/advertiser-calls.ts'
import { readTestCall } from './read-test-call.ts'

for (const call of ADVERTISER_CALLS) {
  test(`the documented call of ${call.platform} is understood through its maps`, () => {
    const reading = readTestCall({
      query: call.query,
      ...(call.body && { body: call.body.text, contentType: call.body.contentType }),
      paramMap: call.paramMap,
      statusMap: call.statusMap,
    })
    expect(reading).toMatchObject({ report: call.reports })
    if (call.reports.params && 'report' in reading) expect(reading.report.params).toEqual(call.reports.params)
  })
}
