namespace Microsoft.ML.Trl.Tests.Templates;

/// <summary>Filters, with the values that Jinja's documentation gives.</summary>
[TestClass]
public sealed class JinjaFilterTests
{
    [TestMethod]
    [DataRow("s|upper|lower|capitalize ~ 'hello-wORLD (x)'|title", "Hello worldHello-World (X)")]
    [DataRow("[spaces|trim, 'xax'|trim('x')]", "['pad', 'a']")]
    [DataRow("s|replace('l', 'L') ~ 11|replace(1, 2)", "HeLLo WorLd22")]
    [DataRow("s|length ~ emoji|length ~ dict|length ~ missing|length", "11320")]
    [DataRow("'a\nb\n\nc'|indent(2)", "a\n  b\n\n  c")]
    [DataRow("'a\nb\n\nc'|indent('> ', true, true)", "> a\n> b\n> \n> c")]
    [DataRow("s|truncate(8, false, '..', 0) ~ '|' ~ s|truncate(8, true, '..', 0) ~ '|' ~ s|truncate(9)", "Hello..|Hello ..|Hello World")]
    [DataRow("'foo bar baz'|wordcount ~ 'a'|center(3)", "3 a ")]
    [DataRow("'<b>&\"' ~ \"'\"|e", "<b>&\"&#39;")]
    [DataRow("'<b>'|e ~ ('<b>'|safe + '<') ~ ('<b>'|safe)|e", "&lt;b&gt;<b>&lt;<b>")]
    [DataRow("'<p>a  <b>b</b></p> &amp; c'|striptags", "a b & c")]
    [DataRow("'a b/c?'|urlencode ~ {'k': 'a b'}|urlencode", "a%20b/c%3Fk=a+b")]
    [DataRow("'%s %s'|format('a', 1)", "a 1")]
    [DataRow("[1, none]|string ~ 1.0|string", "[1, None]1.0")]
    public void Filters_of_texts(string expression, string expected) => Jinja.AssertPrints(expression, expected);

    [TestMethod]
    [DataRow("list|first ~ list|last ~ list|min ~ list|max ~ list|sum", "32136")]
    [DataRow("list|sort ~ list|sort(reverse=true) ~ ['b', 'A']|sort", "[1, 2, 3][3, 2, 1]['A', 'b']")]
    [DataRow("['a', 'B', 'c']|sort(case_sensitive=true)", "['B', 'a', 'c']")]
    [DataRow("list|join(', ') ~ people|join('+', attribute='n') ~ missing|join", "3, 1, 21+2+3")]
    [DataRow("people|map(attribute='role')|list ~ people|map(attribute='x', default='-')|join", "['user', 'system', 'user']---")]
    [DataRow("['a', 'b']|map('upper')|join ~ ['1', '2']|map('int')|sum", "AB3")]
    [DataRow("people|selectattr('role', 'equalto', 'user')|map(attribute='n')|list", "[1, 3]")]
    [DataRow("people|rejectattr('role', 'in', ['user'])|map(attribute='n')|list", "[2]")]
    [DataRow("list|select('odd')|list ~ list|reject('odd')|list ~ [0, 1, none]|select|list", "[3, 1][2][1]")]
    [DataRow("people|selectattr('role', '==', 'tool')|list ~ people|selectattr('role', 'eq', 'tool')|first", "[]")]
    [DataRow("[1, 1.0, 2, 'a', 'A']|unique|list", "[1, 2, 'a']")]
    [DataRow("'abc'|list ~ 'abc'|reverse ~ list|reverse|list", "['a', 'b', 'c']cba[2, 1, 3]")]
    [DataRow("range(5)|batch(2)|list ~ range(5)|batch(2, 'x')|list", "[[0, 1], [2, 3], [4]][[0, 1], [2, 3], [4, 'x']]")]
    [DataRow("range(5)|slice(2)|list ~ range(5)|slice(2, 'x')|list", "[[0, 1, 2], [3, 4]][[0, 1, 2], [3, 4, 'x']]")]
    [DataRow("dict|dictsort ~ dict|items|list", "[('a', 2), ('b', 1)][('b', 1), ('a', 2)]")]
    [DataRow("dict|dictsort(by='value', reverse=true)", "[('a', 2), ('b', 1)]")]
    [DataRow("people|groupby('role')|map(attribute='grouper')|join(',')", "system,user")]
    [DataRow("people|groupby('role')|map('last')|map('length')|list", "[1, 2]")]
    [DataRow("people|sort(attribute='role,n', reverse=true)|map(attribute='n')|list ~ people|sum(attribute='n')", "[3, 1, 2]6")]
    [DataRow("[]|first is defined ~ ''|last ~ []|max", "False")]
    public void Filters_of_lists(string expression, string expected) => Jinja.AssertPrints(expression, expected);

    [TestMethod]
    [DataRow("'42'|int ~ '4.7'|int ~ 'z'|int ~ 'z'|int(5) ~ '0x1F'|int(0, 16) ~ none|int", "42405310")]
    [DataRow("'1.5'|float ~ 'z'|float ~ 'z'|float(2.0) ~ 3|float", "1.50.02.03.0")]
    [DataRow("2.5|round ~ 3.5|round ~ 2.675|round(2) ~ 42|round ~ 1250|round(-2)", "2.04.02.67421200")]
    [DataRow("2.51|round(1, 'floor') ~ 2.51|round(1, 'ceil') ~ -3|abs ~ -2.5|abs", "2.52.632.5")]
    [DataRow("1|filesizeformat ~ 13000|filesizeformat ~ 1024|filesizeformat(true)", "1 Byte13.0 kB1.0 KiB")]
    [DataRow("missing|default('d') ~ empty|default('d') ~ empty|default('d', true) ~ none|d('x', boolean=true)", "ddx")]
    public void Filters_of_numbers_and_defaults(string expression, string expected) => Jinja.AssertPrints(expression, expected);

    [TestMethod]
    [DataRow("{'a': [1, 2.0, none, true], 'b': 'x\"\\n<é'}|tojson", """{"a": [1, 2.0, null, true], "b": "x\"\n<é"}""")]
    [DataRow("'é😀'|tojson(ensure_ascii=true)", "\"\\u00e9\\ud83d\\ude00\"")]
    [DataRow("dict|tojson(sort_keys=true, separators=(',', ':'))", """{"a":2,"b":1}""")]
    [DataRow("{'a': [1, {}], 'b': []}|tojson(indent=2)", "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}")]
    [DataRow("{1: 2, none: 3, true: 4}|tojson", """{"1": 4, "null": 3}""")] // 1 and True are one key
    [DataRow("[1e16, 1e400]|tojson", "[1e+16, Infinity]")]
    public void Json_is_that_of_json_dumps(string expression, string expected) => Jinja.AssertPrints(expression, expected);

    [TestMethod]
    public void Selections_can_be_iterated_once_and_are_true_even_when_empty()
    {
        Assert.AreEqual("[3, 1][]", Jinja.Render("{% set odd = list|select('odd') %}{{ odd|list }}{{ odd|list }}"));
        Assert.AreEqual("yes", Jinja.Render("{{ 'yes' if list|select('gt', 9) else 'no' }}"));
    }

    [TestMethod]
    public void Time_is_printed_by_strftime()
    {
        Jinja.AssertPrints("strftime_now('%Y-%m-%d %d %b %Y')", "2024-07-26 26 Jul 2024");
        Jinja.AssertPrints("strftime_now('%A, %B %-d, %H:%M:%S %I %p %j %y %%')", "Friday, July 26, 12:00:00 12 PM 208 24 %");
        Jinja.AssertPrints("strftime_now('%a %e %U %W %u %w %F %T')", "Fri 26 29 30 5 5 2024-07-26 12:00:00");
    }
}
