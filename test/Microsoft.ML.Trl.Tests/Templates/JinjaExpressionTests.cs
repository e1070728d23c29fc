namespace Microsoft.ML.Trl.Tests.Templates;

/// <summary>Expressions, with the values that Jinja's documentation and Python's rules give.</summary>
[TestClass]
public sealed class JinjaExpressionTests
{
    [TestMethod]
    [DataRow("none", "None")]
    [DataRow("yes", "True")]
    [DataRow("missing", "")]
    [DataRow("1.0", "1.0")]
    [DataRow("1e16", "1e+16")]
    [DataRow("1e15", "1000000000000000.0")]
    [DataRow("0.00001", "1e-05")]
    [DataRow("0.0001", "0.0001")]
    [DataRow("0.1 + 0.2", "0.30000000000000004")]
    [DataRow("1e22", "1e+22")]
    [DataRow("1_000 + 0x1F + 0b11 + 0o17", "1049")]
    [DataRow("[1, 'a', none, true, 2.0, (1,), {}]", "[1, 'a', None, True, 2.0, (1,), {}]")]
    [DataRow("{'a': 1, 'b': [2]}", "{'a': 1, 'b': [2]}")]
    [DataRow("(1, 2)", "(1, 2)")]
    [DataRow("()", "()")]
    [DataRow("[\"it's\", '\"', \"'\\\"\"]", "[\"it's\", '\"', '\\'\"']")]
    [DataRow("['a\\n\\t\\\\\\x00\\u00e9']", "['a\\n\\t\\\\\\x00é']")]
    [DataRow("range(3)", "range(0, 3)")]
    [DataRow("dict.keys()", "dict_keys(['b', 'a'])")]
    [DataRow("namespace(a=1)", "<Namespace {'a': 1}>")]
    public void Values_are_printed_as_Python_prints_them(string expression, string expected) => Jinja.AssertPrints(expression, expected);

    [TestMethod]
    [DataRow("1 + 2 * 3", "7")]
    [DataRow("(1 + 2) * 3", "9")]
    [DataRow("7 / 2", "3.5")]
    [DataRow("6 / 2", "3.0")]
    [DataRow("7 // 2", "3")]
    [DataRow("-7 // 2", "-4")]
    [DataRow("-7 % 3", "2")]
    [DataRow("7 % -3", "-2")]
    [DataRow("-7.5 % 2", "0.5")]
    [DataRow("2 ** 10", "1024")]
    [DataRow("2 ** -1", "0.5")]
    [DataRow("2 ** 3 ** 2", "64")] // Jinja's power binds to the left
    [DataRow("-2 ** 2", "4")] // and looser than the sign
    [DataRow("10 ** 20", "100000000000000000000")]
    [DataRow("10 - 2 - 3", "5")]
    [DataRow("'a' + 1 ~ 'b'", "a1b")] // "~" binds tighter than "+"
    [DataRow("'a' * 3 + 'b'", "aaab")]
    [DataRow("list + [4]", "[3, 1, 2, 4]")]
    [DataRow("list * 2", "[3, 1, 2, 3, 1, 2]")]
    [DataRow("true + 1", "2")]
    [DataRow("s ~ none ~ 1.0 ~ missing", "Hello WorldNone1.0")]
    [DataRow("'%s-%d-%5.2f|%-4s|%04d|%%' % (s, i, x, 'a', 7)", "Hello World-42- 2.50|a   |0007|%")]
    [DataRow("'%(a)s' % dict", "2")]
    [DataRow("'%.2f' % 2.675", "2.67")] // the double is a little less than 2.675
    [DataRow("'%.0f' % 2.5", "2")] // half to even
    [DataRow("'%x %o %e %g %r' % (255, 8, 12345.678, 0.0001, 'a')", "ff 10 1.234568e+04 0.0001 'a'")]
    public void Arithmetic_is_Pythons(string expression, string expected) => Jinja.AssertPrints(expression, expected);

    [TestMethod]
    [DataRow("1 < 2 < 3", "True")]
    [DataRow("1 < 3 < 2", "False")]
    [DataRow("1 == 1.0 == true", "True")]
    [DataRow("'a' < 'b'", "True")]
    [DataRow("[1, 2] < [1, 3]", "True")]
    [DataRow("{'a': 1} == {'a': 1.0}", "True")]
    [DataRow("[1] == (1,)", "False")]
    [DataRow("9007199254740993 == 9007199254740993.0", "False")]
    [DataRow("'ell' in s", "True")]
    [DataRow("9 not in list", "True")]
    [DataRow("'a' in dict and not 'z' in dict", "True")]
    [DataRow("empty or 'x'", "x")]
    [DataRow("s and 0", "0")]
    [DataRow("not list", "False")]
    [DataRow("missing or none", "None")]
    [DataRow("'a' if no else 'b'", "b")]
    [DataRow("'a' if no", "")]
    [DataRow("1 if no else 2 if yes else 3", "2")]
    [DataRow("no and missing.anything", "False")] // not computed
    public void Comparisons_and_logic_are_Pythons(string expression, string expected) => Jinja.AssertPrints(expression, expected);

    [TestMethod]
    [DataRow("s[0] ~ s[-1]", "Hd")]
    [DataRow("s[1:3]", "el")]
    [DataRow("s[::-1]", "dlroW olleH")]
    [DataRow("s[8:2:-2]", "rWo")]
    [DataRow("emoji[1] ~ emoji[::-1] ~ emoji[2:] ~ emoji | length", "😀b😀ab3")]
    [DataRow("list[-1] ~ list[1:] ~ list[::2] ~ list[5:]", "2[1, 2][3, 2][]")]
    [DataRow("list[9] is defined", "False")]
    [DataRow("range(2, 10, 3)[1:]|list", "[5, 8]")]
    [DataRow("dict.a ~ dict['b'] ~ dict.get('z') ~ dict.get('z', 5)", "21None5")]
    [DataRow("people[1].role ~ people.0.n ~ people[-1]['n']", "system13")]
    [DataRow("dict.items()|list", "[('b', 1), ('a', 2)]")]
    [DataRow("{'items': 3}['items']", "3")]
    [DataRow("{'items': 3}.items is callable", "True")] // the method comes before the key
    [DataRow("list.append is defined", "False")] // what changes a list is out of reach
    [DataRow("s.__class__ is defined", "False")]
    public void Attributes_and_slices_are_Jinjas(string expression, string expected) => Jinja.AssertPrints(expression, expected);

    [TestMethod]
    [DataRow("s.upper() ~ s.lower() ~ s.swapcase()", "HELLO WORLDhello worldhELLO wORLD")]
    [DataRow("'ß ŉ'.upper() ~ 'ΑΣ'.lower()", "SS ʼNας")]
    [DataRow("'they are'.title() ~ 'aB cD'.capitalize()", "They AreAb cd")]
    [DataRow("[' a '.strip(), ' a '.lstrip(), ' a '.rstrip(), 'xxaxx'.strip('x')]", "['a', 'a ', ' a', 'a']")]
    [DataRow("'a,b,c'.split(',') ~ 'a,b,c'.split(',', 1) ~ 'a,b,c'.rsplit(',', 1)", "['a', 'b', 'c']['a', 'b,c']['a,b', 'c']")]
    [DataRow("' a  b '.split() ~ ' a  b  c '.split(none, 1) ~ ' a  b  c '.rsplit(none, 1)", "['a', 'b']['a', 'b  c '][' a  b', 'c']")]
    [DataRow("'</think>x'.split('</think>')[-1]", "x")]
    [DataRow("'a=b=c'.partition('=') ~ 'a=b=c'.rpartition('=') ~ 'a'.partition('=')", "('a', '=', 'b=c')('a=b', '=', 'c')('a', '', '')")]
    [DataRow("'a\\nb\\r\\nc\\n'.splitlines() ~ 'a\\nb'.splitlines(true)", "['a', 'b', 'c']['a\\n', 'b']")]
    [DataRow("s.startswith('He') ~ s.startswith(('x', 'He')) ~ s.endswith('ld') ~ s.startswith('World', 6)", "TrueTrueTrueTrue")]
    [DataRow("s.find('o') ~ s.rfind('o') ~ s.find('z') ~ s.index('W') ~ s.count('o') ~ emoji.find('b')", "47-1622")]
    [DataRow("s.replace('l', 'L') ~ s.replace('l', 'L', 1) ~ 'ab'.replace('', '-')", "HeLLo WorLdHeLlo World-a-b-")]
    [DataRow("'-'.join(['a', 'b']) ~ 'a'.center(4, '*') ~ 'a'.ljust(3, '.') ~ 'a'.rjust(3) ~ '-7'.zfill(4)", "a-b*a**a..  a-007")]
    [DataRow("'abc'.removeprefix('a') ~ 'abc'.removesuffix('c') ~ 'a\\tb'.expandtabs(4)", "bcaba   b")]
    [DataRow("['a1'.isalnum(), 'a'.isalpha(), '1'.isdigit(), ' '.isspace(), 'A'.isupper(), 'a'.islower(), ''.isdigit()]",
        "[True, True, True, True, True, True, False]")]
    [DataRow("'{} {}|{0}'.replace('|{0}', '').format(1, 'a') ~ '{1}{0}{n}'.format(1, 2, n=3)", "1 a213")]
    [DataRow("'{:>4}|{:<3}|{:^4}|{:05d}|{:,}|{:.2f}|{!r}'.format('a', 'b', 'c', 42, 1234567, 3.14159, 'q')",
        "   a|b  | c  |00042|1,234,567|3.14|'q'")]
    [DataRow("'{0.role}{0[n]}'.format(people[0])", "user1")]
    public void Methods_of_texts_are_Pythons(string expression, string expected) => Jinja.AssertPrints(expression, expected);

    [TestMethod]
    [DataRow("'a' 'b' \"c\"", "abc")]
    [DataRow("'\\x41\\u00e9\\101\\z\\''", "AéA\\z'")]
    [DataRow("'\\U0001F600'", "😀")]
    [DataRow("\"a\nb\"", "a\nb")]
    public void Strings_have_Pythons_escapes(string expression, string expected) => Jinja.AssertPrints(expression, expected);

    [TestMethod]
    [DataRow("i is defined and missing is not defined and missing is undefined", "True")]
    [DataRow("none is none and i is not none", "True")]
    [DataRow("s is string and not i is string", "True")]
    [DataRow("dict is mapping and list is not mapping", "True")]
    [DataRow("s is iterable and list is iterable and missing is iterable and i is not iterable", "True")]
    [DataRow("s is sequence and list is sequence and dict is sequence and list|select is not sequence", "True")]
    [DataRow("i is number and x is number and yes is number and s is not number", "True")]
    [DataRow("i is integer and yes is not integer and x is float and yes is boolean", "True")]
    [DataRow("yes is true and no is false and 1 is not true", "True")]
    [DataRow("i is even and 3 is odd and i is divisibleby 7 and i is divisibleby(6)", "True")]
    [DataRow("i is eq 42 and i is equalto(42) and i is ne 1 and i is gt 41 and i is lessthan 43", "True")]
    [DataRow("3 is in list and 'a' is in 'abc' and s is not in ['x']", "True")]
    [DataRow("'ab' is lower and 'AB' is upper and range is callable and none is sameas none", "True")]
    [DataRow("'upper' is filter and 'odd' is test and 'nothing' is not filter", "True")]
    public void Tests_are_Jinjas(string expression, string expected) => Jinja.AssertPrints(expression, expected);
}
