#include "config/json_text.hpp"

#include <gtest/gtest.h>

#include <cohort/error.hpp>

namespace cohort::detail {
namespace {

std::string error_of(std::string_view text) {
  ErrorList errors(text, "f");
  try {
    parse_json(text, errors);
    errors.throw_if_any();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(JsonText, RefusesZeroBytes) {
  EXPECT_EQ(error_of(R"({"env": {"A": "x\u0000y"}})"), "f:1:15: a zero byte (\\u0000) in a text");
  EXPECT_EQ(error_of(R"({"A\u0000": 1})"), "f:1:2: a zero byte (\\u0000) in a text");
}

TEST(JsonText, KnowsThePlaceOfEveryKeyAndValue) {
  std::string_view text =
      "{ // comment, with a comma: \"no\"\n"
      "  \"a\": [1,-2.5e3/* [ */, true ,null],\n"
      "  \"\xC3\xA9\xC3\xA9\": {\"b\" : \"x, y\"}, \"c\":[]\n"
      "}";
  ErrorList errors(text, "f");
  JsonNode root = parse_json(text, errors);
  auto place = [&](const auto& part) { return errors.place(part.offset); };

  EXPECT_EQ(place(root), "1:1");
  ASSERT_EQ(root.members.size(), 3u);
  EXPECT_EQ(place(root.members[0]), "2:3");
  const JsonNode& list = root.members[0].value;
  EXPECT_EQ(place(list), "2:8");
  ASSERT_EQ(list.items.size(), 4u);
  EXPECT_EQ(place(list.items[0]), "2:9");
  EXPECT_EQ(place(list.items[1]), "2:11");
  EXPECT_EQ(list.items[1].scalar, -2500.0);
  EXPECT_EQ(place(list.items[2]), "2:26");
  EXPECT_EQ(place(list.items[3]), "2:32");
  const JsonMember& accented = root.members[1];
  EXPECT_EQ(place(accented), "3:3");
  EXPECT_EQ(place(accented.value), "3:9") << "columns count characters, not bytes";
  EXPECT_EQ(place(accented.value.members[0]), "3:10");
  EXPECT_EQ(place(accented.value.members[0].value), "3:16");
  EXPECT_EQ(accented.value.members[0].value.scalar, "x, y");
  EXPECT_EQ(place(root.members[2]), "3:25");
  EXPECT_EQ(place(root.members[2].value), "3:29");
}

TEST(JsonText, SkipsAByteOrderMark) {
  std::string_view text = "\xEF\xBB\xBF 7";
  ErrorList errors(text, "f");
  EXPECT_EQ(parse_json(text, errors).offset, 4u);
}

TEST(JsonText, SyntaxErrorsSayWhereAndWhat) {
  struct {
    const char* text;
    const char* place;
    const char* part;
  } cases[] = {
      {"", "f:1:1: ", "unexpected end of input"},
      {"{\n \"a\" 1}", "f:2:6: ", "expected ':'"},
      {"{\n \"a\": 1\n \"b\": 2}", "f:3:2: ", "expected '}'"},
      {"[1,\n 2,]", "f:2:4: ", "a comma after the last entry is not allowed"},
      {"[1,,2]", "f:1:4: ", "unexpected ','"},
      {"\x7f"
       "ELF and the rest of a program",
       "f:1:1: ", "this is no JSON: it begins with '\\x7fELF"},
      {"# YAML", "f:1:1: ", "this is no JSON: it begins with '# YAML'"},
      {"{\"a\": yes}", "f:1:7: ", "invalid literal"},
      {"{\"a\": \"x}\n", "f:1:10: ", "invalid string"},
      {"{} {}", "f:1:4: ", "expected end of input"},
      {"{ /* }", "f:1:7: ", "invalid comment"},
      {"[1e999]", "f:1:2: ", "number overflow"},
      {"\"\xFF\"", "f:1:2: ", "invalid string"},
  };
  for (const auto& c : cases) {
    std::string error = error_of(c.text);
    EXPECT_TRUE(error.starts_with(c.place)) << c.text << " gave " << error;
    EXPECT_NE(error.find(c.part), std::string::npos) << c.text << " gave " << error;
  }
}

TEST(JsonText, RefusesAKeyThatIsGivenTwiceWithBothPlaces) {
  EXPECT_EQ(error_of("{\"a\": 1,\n \"b\": {\"c\": 1, \"c\": 2},\n \"a\": 2}"),
            "f:2:16: key 'c' is given twice; the first one is at 2:8\n"
            "f:3:2: key 'a' is given twice; the first one is at 1:2");
}

TEST(JsonText, BoundsDepthAndLength) {
  EXPECT_EQ(error_of(std::string(max_json_depth, '[') + std::string(max_json_depth, ']')), "");
  EXPECT_EQ(error_of(std::string(1'000'000, '[')), "f:1:101: more than 100 objects and lists in each other");
  EXPECT_NE(error_of(std::string(max_json_bytes + 1, ' ')).find("more than 16 MiB"), std::string::npos);
}

TEST(JsonText, EveryTruncatedTextIsAnErrorAndNoCrash) {
  std::string text = "{\"a\": [1, -2.5e3 /* c */, true, null, \"\\u00e9\\n\"], \"b\": {}} // end";
  for (std::size_t length = 0; length < text.find(" //"); ++length)
    EXPECT_NE(error_of(std::string_view(text).substr(0, length)), "") << length;
}

}  // namespace
}  // namespace cohort::detail
