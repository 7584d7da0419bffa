import type { Destination } from '../catalogue/catalogue.ts'
import { compileDestination } from '../destinations/compile.ts'
import { isTooOld } from '../destinations/event-time.ts'
import type { Conversion } from './conversion.ts'

/** Whether this conversion would leave the tracker's click-id parameter empty. */
export const isClickIdMissing = (
  destination: Destination,
  conversion: Conversion,
  status: Conversion['status'],
): boolean =>
  compileDestination(destination.definition).clickIdIsEmpty({
    status,
    affiliateClickId: conversion.attribution?.affiliateClickId ?? null,
    clickId: conversion.clickId,
    subs: conversion.attribution?.subs ?? [],
  })

/** Whether the receiver would refuse the event for its age at a given time. */
export const isEventTooOld = (
  destination: Destination,
  event: { status: Conversion['status']; occurredAt: Date },
  nowMs: number,
): boolean => isTooOld(compileDestination(destination.definition), event, nowMs)
