#include "wire/frame.hpp"

#include <sys/resource.h>

#include <fstream>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

#include "wire/segment_pool.hpp"

namespace cohort {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Segment segment_of(const std::string& text) { return copy_segment(std::as_bytes(std::span(text))); }

Frame frame_of(std::uint64_t request, std::size_t body, std::vector<std::size_t> segments = {},
               std::size_t references = 0) {
  Frame frame;
  frame.header.kind = FrameKind::call;
  frame.header.flags = 3;
  frame.header.request = request;
  for (std::size_t i = 0; i < body; ++i) frame.body.append(&"abcdefgh"[(request + i) % 8], 1);
  for (std::size_t size : segments) frame.segments.push_back(segment_of(std::string(size, 'a' + size % 26)));
  for (std::size_t i = 0; i < references; ++i) frame.references.push_back({1, static_cast<std::int32_t>(i), i * 1000});
  return frame;
}

void append_frame(std::string& stream, const Frame& frame) {
  Bytes head;
  append_frame_head(head, frame.header, frame.body.size(), frame.segments, frame.references);
  stream += text_of(head.span()) + text_of(frame.body.span());
  for (const Segment& segment : frame.segments) stream += text_of(segment.span());
}

void expect_same(const Frame& got, const Frame& sent) {
  EXPECT_EQ(got.header.kind, sent.header.kind);
  EXPECT_EQ(got.header.flags, sent.header.flags);
  EXPECT_EQ(got.header.request, sent.header.request);
  EXPECT_EQ(got.body, sent.body);
  EXPECT_EQ(got.references, sent.references);
  ASSERT_EQ(got.segments.size(), sent.segments.size());
  for (std::size_t i = 0; i < sent.segments.size(); ++i) {
    EXPECT_NE(got.segments[i].owner, nullptr);
    EXPECT_EQ(text_of(got.segments[i].span()), text_of(sent.segments[i].span()));
  }
}

/// Feeds the stream in pieces as a socket would: never more than there is room for, and cut where next_size() says.
template <class NextSize>
std::vector<Frame> decode_stream(FrameDecoder& decoder, std::string_view stream, NextSize next_size) {
  std::vector<Frame> frames;
  while (!stream.empty()) {
    const std::span<std::byte> room = decoder.prepare();
    EXPECT_FALSE(room.empty());
    const std::size_t size = std::min({room.size(), stream.size(), static_cast<std::size_t>(next_size())});
    std::memcpy(room.data(), stream.data(), size);
    stream.remove_prefix(size);
    decoder.commit(size, [&](Frame&& frame) { frames.push_back(std::move(frame)); });
  }
  return frames;
}

std::vector<Frame> decode_stream(std::string_view stream) {
  FrameDecoder decoder;
  return decode_stream(decoder, stream, [] { return SIZE_MAX; });
}

std::vector<Frame> mixed_frames() {
  std::vector<Frame> frames;
  frames.push_back(frame_of(1, 0));
  frames.push_back(frame_of(2, 5));
  frames.push_back(frame_of(3, 10, {0, 3}, 2));
  frames.push_back(frame_of(4, 0, {7}));
  frames.push_back(frame_of(5, 200, {}, 1));
  frames.push_back(frame_of(6, 1));
  return frames;
}

TEST(Frame, HeadLayout) {
  const Frame frame = frame_of(0x1122334455667788, 2, {5}, 1);
  std::string stream;
  append_frame(stream, frame);
  ASSERT_EQ(stream.size(), 24u + 8 + 16 + 2 + 5);
  const std::string head("\2\0\0\0\1\3\1\0\1\0\0\0\0\0\0\0\x88\x77\x66\x55\x44\x33\x22\x11\5\0\0\0\0\0\0\0", 32);
  EXPECT_EQ(stream.substr(0, 32), head);
}

TEST(Frame, SplitAtEveryByte) {
  const std::vector<Frame> sent = mixed_frames();
  std::string stream;
  for (const Frame& frame : sent) append_frame(stream, frame);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameDecoder decoder;
    bool first = true;
    const auto got =
        decode_stream(decoder, stream, [&] { return std::exchange(first, false) && cut > 0 ? cut : SIZE_MAX; });
    ASSERT_EQ(got.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) expect_same(got[i], sent[i]);
    EXPECT_TRUE(decoder.idle());
  }
}

TEST(Frame, OneByteAtATime) {
  const std::vector<Frame> sent = mixed_frames();
  std::string stream;
  for (const Frame& frame : sent) append_frame(stream, frame);
  FrameDecoder decoder;
  const auto got = decode_stream(decoder, stream, [] { return 1; });
  ASSERT_EQ(got.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) expect_same(got[i], sent[i]);
}

TEST(Frame, ManySmallFrames) {
  std::string stream;
  for (int i = 0; i < 100'000; ++i) append_frame(stream, frame_of(i, i % 50));
  const auto got = decode_stream(stream);
  ASSERT_EQ(got.size(), 100'000u);
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_EQ(got[i].header.request, static_cast<std::uint64_t>(i));
    ASSERT_EQ(got[i].body.size(), static_cast<std::size_t>(i % 50));
  }
}

TEST(Frame, LargeOnesInPiecesOfAnySize) {
  std::vector<Frame> sent;
  sent.push_back(frame_of(1, 100'000));
  sent.push_back(frame_of(2, 3));
  sent.push_back(frame_of(3, 70'000, {20'000, 100, 3 << 20}, 5));
  sent.push_back(frame_of(4, 3));
  sent.push_back(frame_of(5, 10, {}, 10'000));  // a table larger than the scratch
  sent.push_back(frame_of(6, 3));
  std::string stream;
  for (const Frame& frame : sent) append_frame(stream, frame);
  std::mt19937 random(1);
  for (int i = 0; i < 20; ++i) {
    FrameDecoder decoder;
    const auto got = decode_stream(decoder, stream, [&] { return 1 + random() % (1u << (random() % 18)); });
    ASSERT_EQ(got.size(), sent.size());
    for (std::size_t j = 0; j < sent.size(); ++j) expect_same(got[j], sent[j]);
  }
}

TEST(Frame, LargePartsAreReceivedWhereTheyStay) {
  const Frame sent = frame_of(1, 10, {1 << 20});
  std::string stream;
  append_frame(stream, sent);
  FrameDecoder decoder;
  std::span<std::byte> room = decoder.prepare();
  std::memcpy(room.data(), stream.data(), 100);
  decoder.commit(100, [](Frame&&) { FAIL(); });
  room = decoder.prepare();
  EXPECT_EQ(room.size(), stream.size() - 100);
  std::memcpy(room.data(), stream.data() + 100, room.size());
  const std::byte* const last = &room.back();
  decoder.commit(room.size(), [&](Frame&& frame) {
    expect_same(frame, sent);
    EXPECT_EQ(&frame.segments[0].span().back(), last);
  });
}

TEST(Frame, TheOnlySegmentIsReceivedWhereTheReaderWantsIt) {
  constexpr std::size_t size = 50'000;
  const std::vector<Frame> frames{frame_of(1, 5, {size}), frame_of(2, 5, {size, size}), frame_of(3, 0, {size}),
                                  frame_of(4, 7), frame_of(5, 5, {20})};
  std::string stream;
  for (const Frame& frame : frames) append_frame(stream, frame);
  const auto memory = allocate_segment(size);
  for (const std::size_t piece : {std::size_t{1000}, SIZE_MAX}) {
    std::vector<std::pair<std::uint64_t, std::size_t>> asked;
    FrameDecoder decoder({}, [&](const FrameHeader& header, std::size_t bytes) {
      asked.emplace_back(header.request, bytes);
      return header.request == 1 ? memory : nullptr;
    });
    const auto got = decode_stream(decoder, stream, [&] { return piece; });
    ASSERT_EQ(got.size(), frames.size());
    for (std::size_t i = 0; i < frames.size(); i++) expect_same(got[i], frames[i]);
    EXPECT_EQ(asked, (std::vector<std::pair<std::uint64_t, std::size_t>>{{1, size}, {3, size}, {5, 20}}));
    EXPECT_EQ(got[0].segments[0].data, memory.get());
    EXPECT_EQ(got[0].segments[0].owner, memory);
    EXPECT_NE(got[2].segments[0].data, memory.get());
  }
}

TEST(Frame, UnknownKindsAreTheReadersBusiness) {
  Frame frame = frame_of(1, 3);
  frame.header.kind = static_cast<FrameKind>(250);
  std::string stream;
  append_frame(stream, frame);
  EXPECT_EQ(decode_stream(stream).size(), 1u);
}

TEST(Frame, ReservedBytesMustBeZero) {
  for (std::size_t place : {10, 11, 12, 15}) {
    std::string stream;
    append_frame(stream, frame_of(1, 3));
    stream[place] = 1;
    EXPECT_THROW(decode_stream(stream), BadMessage);
    stream.resize(24);  // not whole
    EXPECT_THROW(decode_stream(stream), BadMessage);
  }
}

TEST(Frame, OversizeIsRefusedOnBothSides) {
  std::string stream;
  append_frame(stream, frame_of(1, 100));
  FrameDecoder decoder(FrameLimits{100});
  EXPECT_THROW(decode_stream(decoder, stream, [] { return SIZE_MAX; }), BadMessage);

  Bytes head;
  const std::byte byte{};
  const Segment half{nullptr, &byte, SIZE_MAX / 2 + 2};
  const std::vector<Segment> wraps{half, half};
  EXPECT_THROW(append_frame_head(head, {}, 0, wraps, {}), Error);
  EXPECT_THROW(append_frame_head(head, {}, 0, std::vector<Segment>(65536), {}), Error);
  EXPECT_EQ(head.size(), 0u);

  const std::vector<Segment> most{half};
  append_frame_head(head, {}, 0, most, {}, FrameLimits{UINT64_MAX});
  EXPECT_THROW(decode_stream(text_of(head.span())), BadMessage);
  std::memset(head.data() + 6, 0, 24 - 6);
  head[6] = std::byte{2};  // two segments whose sizes wrap around to little
  head.append(head.data() + 24, 0);
  const std::uint64_t size = SIZE_MAX / 2 + 2;
  head.append(&size, sizeof(size));
  EXPECT_THROW(decode_stream(text_of(head.span())), BadMessage);
}

TEST(Frame, AnAnnouncedSizeCostsNothingBeforeItComes) {
  // 15 GiB in one segment: only mapped.
  Bytes head;
  const std::byte byte{};
  const std::vector<Segment> large{{nullptr, &byte, std::size_t{15} << 30}};
  append_frame_head(head, {}, 0, large, {});
  FrameDecoder decoder;
  decode_stream(decoder, text_of(head.span()), [] { return SIZE_MAX; });
  EXPECT_FALSE(decoder.idle());
  EXPECT_EQ(decoder.prepare().size(), std::size_t{15} << 30);
}

// 4 GiB and something must not become something.
TEST(Frame, ABodyThatTheHeaderCannotSayIsRefused) {
  Bytes head;
  EXPECT_THROW(append_frame_head(head, {}, ByteCount(Bytes::max_size) + 4096, {}, {}), Error);
  EXPECT_THROW(append_frame_head(head, {}, ByteCount(UINT64_MAX) + 24, {}, {}), Error);
  EXPECT_THROW(append_frame_head(head, {}, 1, {}, std::vector<ReferenceEntry>(65536)), Error);
  EXPECT_TRUE(head.empty());
  append_frame_head(head, {}, ByteCount(Bytes::max_size) + 24, {}, {});
  FrameHeader header;
  std::memcpy(&header, head.data(), sizeof header);
  EXPECT_EQ(header.body_size, Bytes::max_size + 24);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they end the process for such a request
TEST(Frame, WhatThereIsNoMemoryForIsDroppedAndTheStreamGoesOn) {
  Frame sent = frame_of(7, 300, {100, 40'000, 20}, 2);
  std::string stream;
  append_frame(stream, sent);
  std::string next;
  append_frame(next, frame_of(8, 10));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{333}, SIZE_MAX}) {
    FrameDecoder decoder(FrameLimits{UINT64_MAX});
    // The second segment is announced with more than any machine has, and little of it comes.
    std::string large = stream;
    const std::uint64_t size = std::uint64_t{1} << 60;
    large.replace(24 + 8, sizeof size, reinterpret_cast<const char*>(&size), sizeof size);
    auto frames = decode_stream(decoder, large + std::string(100'000, 'x'), [&] { return piece; });
    EXPECT_TRUE(frames.empty());
    EXPECT_FALSE(decoder.idle());
  }
}

// As many bytes more, whatever they are.
std::vector<Frame> feed(FrameDecoder& decoder, std::size_t size) {
  std::vector<Frame> frames;
  while (size > 0) {
    const std::size_t part = std::min(decoder.prepare().size(), size);
    decoder.commit(part, [&](Frame&& frame) { frames.push_back(std::move(frame)); });
    size -= part;
  }
  return frames;
}

// The same, with a limit of memory, so that it does come.
TEST(Frame, WhatThereIsNoMemoryForLeavesItsReferencesAndItsBeginning) {
  constexpr std::size_t size = 100 << 20;  // more than what malloc() keeps, or an arena of it has
  const std::byte byte{};
  const Frame small = frame_of(7, 300, {}, 2);
  const std::vector<Segment> segments{{nullptr, &byte, 100}, {nullptr, &byte, size}, {nullptr, &byte, 20}};
  Bytes with_segments, with_body;
  append_frame_head(with_segments, small.header, small.body.size(), segments, small.references);
  append_frame_head(with_body, small.header, size, {}, small.references);
  const std::string beginning = text_of(small.body.span());
  std::string next;
  append_frame(next, frame_of(8, 10));
  trim_segments(Duration::zero());

  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlimit little{pages * 4096 + (std::size_t{16} << 20), before.rlim_max};
  ::setrlimit(RLIMIT_AS, &little);
  FrameDecoder decoder;
  const auto whole = [] { return SIZE_MAX; };
  decode_stream(decoder, text_of(with_segments.span()) + beginning, whole);
  const auto frames = feed(decoder, 100 + size + 20);
  const auto after = decode_stream(decoder, next, whole);
  decode_stream(decoder, text_of(with_body.span()) + beginning, whole);
  const auto others = feed(decoder, size - beginning.size());
  const auto after_others = decode_stream(decoder, next, whole);
  ::setrlimit(RLIMIT_AS, &before);

  for (const auto* dropped : {&frames, &others}) {
    ASSERT_EQ(dropped->size(), 1u);
    ASSERT_EQ(dropped->front().without_room, size);
    EXPECT_EQ(dropped->front().header.request, 7u);
    EXPECT_EQ(dropped->front().references, small.references);
    EXPECT_TRUE(dropped->front().segments.empty());
  }
  EXPECT_EQ(text_of(frames[0].body.span()), beginning);
  EXPECT_EQ(text_of(others[0].body.span()), beginning.substr(0, Bytes::inline_capacity));
  for (const auto* then : {&after, &after_others}) {
    ASSERT_EQ(then->size(), 1u);
    expect_same(then->front(), frame_of(8, 10));
  }
  EXPECT_TRUE(decoder.idle());
}
#endif

TEST(Frame, AnIdleDecoderLendsItsScratchToOthers) {
  std::string stream;
  append_frame(stream, frame_of(1, 10));
  FrameDecoder first, second;
  const std::byte* const scratch = first.prepare().data();
  first.trim();
  EXPECT_EQ(second.prepare().data(), scratch);
  const std::string half = stream.substr(0, 30);
  decode_stream(second, half, [] { return SIZE_MAX; });
  second.trim();  // keeps what it has begun
  EXPECT_NE(first.prepare().data(), scratch);
  const auto frames = decode_stream(second, stream.substr(30), [] { return SIZE_MAX; });
  ASSERT_EQ(frames.size(), 1u);
  expect_same(frames[0], frame_of(1, 10));
}

TEST(Segment, MemoryIsGivenBackWhenItWasNotUsedForAWhile) {
  trim_segments(Duration::zero());
  EXPECT_EQ(segments_kept(), 0u);
  allocate_segment(3 << 20).reset();
  EXPECT_EQ(segments_kept(), std::size_t{4} << 20);
  trim_segments(std::chrono::hours(1));
  EXPECT_EQ(segments_kept(), std::size_t{4} << 20) << "the next one takes it";
  trim_segments(Duration::zero());
  EXPECT_EQ(segments_kept(), 0u);
}

TEST(Frame, ASinkMayThrow) {
  std::string stream;
  for (int i = 0; i < 3; ++i) append_frame(stream, frame_of(i, 5));
  FrameDecoder decoder;
  const auto room = decoder.prepare();
  std::memcpy(room.data(), stream.data(), stream.size());
  EXPECT_THROW(decoder.commit(stream.size(), [](Frame&&) { throw Error("no"); }), Error);
  std::vector<std::uint64_t> rest;
  decoder.commit(0, [&](Frame&& frame) { rest.push_back(frame.header.request); });
  EXPECT_EQ(rest, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_TRUE(decoder.idle());
  decoder.trim();
  decoder.trim();
  EXPECT_EQ(decode_stream(decoder, stream, [] { return SIZE_MAX; }).size(), 3u);
}

}  // namespace
}  // namespace cohort
