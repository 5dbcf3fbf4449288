import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { EventFilterSchema } from "../../../../gen/infobip/events/v1/event_filter_pb.js";
import type { SubscriptionSettings } from "../../subscription-engine.ts";
import { ByteReader, ByteWriter } from "./byte-buffer.ts";
import { UnsettledSet } from "./unsettled-set.ts";

const VERSION = 1;

/** Part of the log that retention removed before it was delivered: after `from`, up to `to`. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** What is stored about a subscription beside its dead letters. */
export interface SubscriptionState {
  readonly settings: SubscriptionSettings;
  /** Unix milliseconds. */
  readonly createTimeMs: number;
  /** Unix milliseconds. */
  readonly updateTimeMs: number;
  readonly filterFrom: number;
  /** Everything up to here was examined. */
  readonly position: number;
  /** A gap that was not told yet. */
  readonly gap: Gap | undefined;
  /** Of the log, up to the position. */
  readonly unsettled: UnsettledSet;
  /** Of the dead letters. */
  readonly redriven: UnsettledSet;
}

/** Encodes a state: a version byte, numbers as varints, the filter as protobuf with its length in front. */
export function encodeState(state: SubscriptionState): Uint8Array {
  const { settings } = state;
  const writer = new ByteWriter();
  writer.varint(VERSION);
  writer.varint(settings.maxInFlight);
  writer.varint(settings.maxAttempts);
  writer.varint(settings.minBackoffMs);
  writer.varint(settings.maxBackoffMs);
  writer.varint(state.createTimeMs);
  writer.varint(state.updateTimeMs);
  writer.varint(state.filterFrom);
  writer.varint(state.position);
  writer.varint(state.gap === undefined ? 0 : state.gap.to - state.gap.from + 1);
  if (state.gap !== undefined) writer.varint(state.gap.from);
  writeFilter(writer, settings.filter);
  state.unsettled.encode(writer);
  state.redriven.encode(writer);
  return writer.finish();
}

/** Decodes a state. @throws Error when the bytes are no state of a known version. */
export function decodeState(bytes: Uint8Array): SubscriptionState {
  const reader = new ByteReader(bytes);
  const version = reader.varint();
  if (version !== VERSION)
    throw new RangeError(`the state of a subscription has the unknown version ${version}`);
  const numbers = {
    maxInFlight: reader.varint(),
    maxAttempts: reader.varint(),
    minBackoffMs: reader.varint(),
    maxBackoffMs: reader.varint(),
  };
  const times = { createTimeMs: reader.varint(), updateTimeMs: reader.varint() };
  const positions = { filterFrom: reader.varint(), position: reader.varint() };
  const gap = readGap(reader);
  const settings: SubscriptionSettings = { ...numbers, filter: readFilter(reader) };
  const unsettled = new UnsettledSet(false);
  unsettled.decode(reader);
  const redriven = new UnsettledSet(true);
  redriven.decode(reader);
  return { settings, ...times, ...positions, gap, unsettled, redriven };
}

function readGap(reader: ByteReader): Gap | undefined {
  const length = reader.varint();
  if (length === 0) return undefined;
  const from = reader.varint();
  return { from, to: from + length - 1 };
}

/** 0 for no filter, otherwise the length and 1. An empty filter and none are told apart. */
function writeFilter(writer: ByteWriter, filter: SubscriptionSettings["filter"]): void {
  if (filter === undefined) {
    writer.varint(0);
    return;
  }
  const bytes = encodedFilter(filter);
  writer.varint(bytes.length + 1);
  writer.raw(bytes);
}

function readFilter(reader: ByteReader): SubscriptionSettings["filter"] {
  const length = reader.varint();
  return length === 0 ? undefined : fromBinary(EventFilterSchema, reader.raw(length - 1));
}

/** Settings are never changed in place, so a filter is encoded once. */
const encodedFilters = new WeakMap<object, Uint8Array>();

function encodedFilter(filter: NonNullable<SubscriptionSettings["filter"]>): Uint8Array {
  const known = encodedFilters.get(filter);
  if (known !== undefined) return known;
  const bytes = toBinary(EventFilterSchema, filter);
  encodedFilters.set(filter, bytes);
  return bytes;
}
