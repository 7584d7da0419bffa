import { AppError } from '../kit/app-error.ts'
import type { Report } from './report.ts'

/** Nothing says whose conversion it is; where a click id was sent empty, that is the cause. */
export const missingClickId = ({ hasEmptyClickId }: Pick<Report, 'hasEmptyClickId'>): AppError =>
  hasEmptyClickId
    ? new AppError('macro_not_replaced', {
        field: 'click_id',
        message: 'The click id is empty: its placeholder was replaced with nothing.',
      })
    : new AppError('click_id_missing', { field: 'click_id' })
