// What an archive copies, what it only refers to, and what it allocates.
#include <gtest/gtest.h>

#include <cstring>

#include <cohort/archive.hpp>
#include <cohort/array.hpp>

#include "zoo.hpp"

namespace cohort {
namespace detail {
struct Reference {
  int number = 0;
};
}  // namespace detail

namespace {

TEST(ArchiveMemory, LargeRangesTravelAsSegmentsOfTheCallersMemory) {
  const std::vector<double> large(segment_threshold / sizeof(double), 1.5);
  const Payload payload = encode(large);
  EXPECT_EQ(payload.body.size(), 8u);
  ASSERT_EQ(payload.segments.size(), 1u);
  EXPECT_EQ(static_cast<const void*>(payload.segments[0].data), large.data());
  EXPECT_TRUE(payload.has_borrowed());
  EXPECT_EQ(decode<std::vector<double>>(payload), large);

  const std::vector<double> small(segment_threshold / sizeof(double) - 1);
  EXPECT_TRUE(encode(small).segments.empty());
  EXPECT_EQ(decode<std::string>(encode(std::string(100'000, 'x'))), std::string(100'000, 'x'));
  const std::array<int, 10'000> array{1, 2, 3};
  EXPECT_EQ((decode<std::array<int, 10'000>>(encode(array))), array);
  EXPECT_EQ(decode<zoo::Bulk>(encode(zoo::bulk())), zoo::bulk());
  EXPECT_EQ(encode(zoo::bulk()).segments.size(), 3u);
}

TEST(ArchiveMemory, KeepAliveOwnsTheSegments) {
  auto values = std::make_shared<const std::vector<int>>(10'000, 7);
  Payload payload;
  OutArchive(payload, values)(*values);
  EXPECT_FALSE(payload.has_borrowed());
  EXPECT_EQ(static_cast<const void*>(payload.segments.at(0).data), values->data());
  std::weak_ptr<const void> alive = values;
  values.reset();
  EXPECT_FALSE(alive.expired());
  EXPECT_EQ(decode<std::vector<int>>(payload), std::vector<int>(10'000, 7));
}

TEST(ArchiveMemory, APayloadThatIsNotReadAgainLetsGoOfItsSegments) {
  const auto values = std::make_shared<const std::vector<int>>(10'000, 7);
  Payload payload;
  OutArchive(payload, values)(*values, 1);
  Array<int> array;
  int number = 0;
  {
    InArchive archive(std::move(payload));
    archive(array, number);
    EXPECT_EQ(values.use_count(), 3) << "of the test, the payload and the array";
    archive.finish();
    EXPECT_EQ(values.use_count(), 2);
    archive.finish();
  }
  EXPECT_EQ(array, Array<int>(*values));
  EXPECT_EQ(number, 1);
}

TEST(ArchiveMemory, ATemporaryIsCopied) {
  const Payload payload = encode(std::vector<int>(10'000, 7));
  EXPECT_FALSE(payload.has_borrowed());
  EXPECT_EQ(decode<std::vector<int>>(payload), std::vector<int>(10'000, 7));
}

// What a class hands over from a local variable must be copied, its own fields not.
struct Mixed {
  std::vector<int> field = std::vector<int>(10'000, 1);
  template <class Archive>
  void save(Archive& ar) const {
    const std::vector<int> local(10'000, 2);
    ar(field, local);
  }
  template <class Archive>
  void load(Archive& ar) {
    std::vector<int> local;
    ar(field, local);
    EXPECT_EQ(local, std::vector<int>(10'000, 2));
  }
};

TEST(ArchiveMemory, LocalVariablesOfSaveAreCopied) {
  for (const bool kept : {false, true}) {
    const auto value = std::make_shared<const Mixed>();
    Payload payload;
    OutArchive(payload, kept ? value : nullptr)(*value);
    ASSERT_EQ(payload.segments.size(), 2u);
    EXPECT_EQ(static_cast<const void*>(payload.segments[0].data), value->field.data());
    EXPECT_NE(payload.segments[1].owner, nullptr);
    EXPECT_NE(payload.segments[1].owner, value);
    EXPECT_EQ(decode<Mixed>(payload).field, value->field);
  }
}

TEST(ArchiveMemory, SmallValuesDoNotAllocate) {
  const Payload payload = encode(zoo::Point{1, 2, 3});
  EXPECT_EQ(payload.body.capacity(), Bytes::inline_capacity);
  EXPECT_EQ(payload.segments.capacity(), 0u);
  EXPECT_EQ(payload.references.capacity(), 0u);
}

/// As a Future does it.
struct Handle {
  std::shared_ptr<detail::Reference> reference;
  template <class Archive>
  void save(Archive& ar) const {
    ar(ar.add_reference(reference));
  }
  template <class Archive>
  void load(Archive& ar) {
    reference = ar.take_reference();
  }
};

TEST(ArchiveMemory, ReferencesTravelBesideTheBytes) {
  std::vector<Handle> handles;
  for (int i = 0; i < 100; ++i) handles.push_back({std::make_shared<detail::Reference>(detail::Reference{i})});
  Payload payload = encode(handles);
  EXPECT_EQ(payload.references.size(), 100u);
  const auto got = decode<std::vector<Handle>>(payload);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(got[i].reference->number, i);

  std::memset(payload.body.data() + 12, 0, 4);  // the second names the first's reference
  EXPECT_THROW(decode<std::vector<Handle>>(payload), BadMessage);
  payload.body[12] = std::byte{200};
  EXPECT_THROW(decode<std::vector<Handle>>(payload), BadMessage);
}

}  // namespace
}  // namespace cohort
