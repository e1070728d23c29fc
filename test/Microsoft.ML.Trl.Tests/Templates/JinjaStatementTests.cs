namespace Microsoft.ML.Trl.Tests.Templates;

/// <summary>Tags and white space, by Jinja's documentation with trim_blocks and lstrip_blocks.</summary>
[TestClass]
public sealed class JinjaStatementTests
{
    [TestMethod]
    [DataRow("a\n  {% if yes %}\n  b\n  {% endif %}\nc\n", "a\n  b\nc")] // blocks take their line with them, and the last newline goes
    [DataRow("a\n  {{ 1 }}\n", "a\n  1")] // values do not
    [DataRow("a \n {%- if yes -%} \n b \n {%- endif %} c", "ab c")]
    [DataRow("  {%+ if yes %}\nb{% endif +%}\nc", "  b\nc")]
    [DataRow("a {#- b -#} c {# d #}\ne", "ac e")]
    [DataRow("a {{- ' b ' -}} c", "a b c")]
    [DataRow("{{ '\n' }}\n\n", "\n\n")]
    [DataRow("x {% if yes %} y{% endif %}\n z", "x  y z")]
    [DataRow("a\r\nb\rc", "a\nb\nc")]
    [DataRow("{% raw %}{{ a }}{% if %}{% endraw %}b", "{{ a }}{% if %}b")]
    [DataRow(" a {%- raw -%} {{ b }} {%- endraw -%} c", " a{{ b }}c")]
    [DataRow("{{-1}}{{- 1 }}", "11")] // "{{-" is one sign
    [DataRow("{{ {'a': {'b': 1}}['a'] }}", "{'b': 1}")] // "}}" within braces
    public void White_space_is_Jinjas(string template, string expected) => Assert.AreEqual(expected, Jinja.Render(template));

    [TestMethod]
    [DataRow("{% for x in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.length }}|{% endfor %}", "1033|2123|3213|")]
    [DataRow("{% for x in list %}{{ loop.first }}{{ loop.last }},{% endfor %}", "TrueFalse,FalseFalse,FalseTrue,")]
    [DataRow("{% for x in list %}[{{ loop.previtem }}{{ x }}{{ loop.nextitem }}]{% endfor %}", "[31][312][12]")]
    [DataRow("{% for x in list if x != 1 %}{{ x }}{{ loop.length }}{% endfor %}", "3222")]
    [DataRow("{% for x in [] %}a{% else %}b{% endfor %}{% for x in missing %}a{% else %}c{% endfor %}", "bc")]
    [DataRow("{% for k, v in dict.items() %}{{ k }}{{ v }}{% endfor %}{% for k in dict %}{{ k }}{% endfor %}", "b1a2ba")]
    [DataRow("{% for a, (b, c) in [(1, (2, 3))] %}{{ c }}{{ b }}{{ a }}{% endfor %}", "321")]
    [DataRow("{% for x in list %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}", "32")]
    [DataRow("{% for x in list %}{% for y in list %}{% if y == 1 %}{% break %}{% endif %}{{ x }}{{ y }} {% endfor %}{% endfor %}",
        "33 13 23 ")]
    [DataRow("{% for x in list %}{% set outer = loop %}{% for y in [1] %}{{ outer.index }}{% endfor %}{% endfor %}", "123")]
    [DataRow("{% for x in list %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 2) }} {% endfor %}", "aTrue bTrue aFalse ")]
    [DataRow("{% for x in [1, [2, [3]]] recursive %}{% if x is number %}{{ x }}{% else %}({{ loop(x) }}{{ loop.depth }}){% endif %}"
        + "{% endfor %}", "1(2(32)1)")]
    public void Loops_are_Jinjas(string template, string expected) => Assert.AreEqual(expected, Jinja.Render(template));

    [TestMethod]
    [DataRow("{% if no %}a{% elif empty %}b{% elif list %}c{% else %}d{% endif %}", "c")]
    [DataRow("{% if yes %}{% set v = 1 %}{% endif %}{{ v }}", "1")] // a condition is no scope
    [DataRow("{% set v = 0 %}{% for x in list %}{{ v }}{% set v = v + x %}{{ v }} {% endfor %}{{ v }}", "03 01 02 0")] // a loop is
    [DataRow("{% set n = namespace(v=0) %}{% for x in list %}{% set n.v = n.v + x %}{% endfor %}{{ n.v }}", "6")]
    [DataRow("{% set a, b = 1, 2 %}{{ b }}{{ a }}{% set t = 1, %}{{ t }}", "21(1,)")]
    [DataRow("{% set v %} a{{ 1 }} {% endset %}[{{ v }}]{% set v | trim | upper %} a {% endset %}[{{ v }}]", "[ a1 ][A]")]
    [DataRow("{% with a = 1, b = i %}{{ a }}{{ b }}{% endwith %}{{ a }}", "142")]
    [DataRow("{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}", "15")] // values do not see each other
    [DataRow("{% filter upper | replace('A', 'b') %}aaa{{ 'c' }}{% endfilter %}", "bbbC")]
    [DataRow("{% print 1, 'a' %}", "1a")]
    public void Variables_have_Jinjas_scopes(string template, string expected) => Assert.AreEqual(expected, Jinja.Render(template));

    [TestMethod]
    [DataRow("{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }} {% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(c=9, a=8) }}", "121 131 829 ")]
    [DataRow("{% macro m(a) %}{{ a is defined }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m() }}{{ m(1, 2, z=3) }}",
        "False(){}True(2,){'z': 3}")]
    [DataRow("{% macro m(a) %}[{{ caller(a) }}]{% endmacro %}{% call(x) m(5) %}{{ x }}{{ i }}{% endcall %}", "[542]")]
    [DataRow("{% macro f(n) %}{% if n %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "321")]
    [DataRow("{% macro m() %}{{ late }}{% endmacro %}{% set late = 5 %}{{ m() }}", "5")]
    [DataRow("{% macro m() %}{% set i = 0 %}{{ i }}{% endmacro %}{{ m() }}{{ i }}", "042")]
    [DataRow("{% macro m(a, b, c) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(*list) }}{{ m(**{'c': 1, 'a': 2}) }}", "31221")]
    [DataRow("{% macro m(a, b=1) %}{% endmacro %}{{ m.name }}{{ m.arguments }}", "m('a', 'b')")]
    public void Macros_are_Jinjas(string template, string expected) => Assert.AreEqual(expected, Jinja.Render(template));

    [TestMethod]
    [DataRow("{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}", "1212")]
    [DataRow("{% set j = joiner('|') %}{% for x in list %}{{ j() }}{{ x }}{% endfor %}", "3|1|2")]
    [DataRow("{{ namespace({'a': 1}, b=2).a }}{{ range(4, 0, -2)|list }}", "1[4, 2]")]
    public void Other_globals_are_Jinjas(string template, string expected) => Assert.AreEqual(expected, Jinja.Render(template));

    [TestMethod]
    public void Generation_blocks_give_spans()
    {
        RenderedChat chat = Jinja.Chat("a😀{% for x in list %}{% generation %}{{ x }}é{% endgeneration %}-{% endfor %}");

        Assert.AreEqual("a😀3é-1é-2é-", chat.Text);
        CollectionAssert.AreEqual(new ChatSpan[] { new(3, 5), new(6, 8), new(9, 11) }, chat.GenerationSpans.ToArray());
    }

    [TestMethod]
    public void A_generation_block_is_a_scope_and_may_stand_first()
    {
        RenderedChat chat = Jinja.Chat("{% generation %}{% set v = 1 %}{{ v }}{% endgeneration %}{{ v }}");

        Assert.AreEqual("1", chat.Text);
        Assert.AreEqual(new ChatSpan(0, 1), chat.GenerationSpans.Single());
    }
}
