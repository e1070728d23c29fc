namespace Microsoft.ML.Trl.Tests.Templates;

/// <summary>No template runs or grows without bounds.</summary>
[TestClass]
public sealed class ChatTemplateLimitTests
{
    private const string Steps = "too many steps; the limit is 1,000,000";
    private const string Length = "characters; the limit is 1,000,000";
    private const string Levels = "nesting (of expressions, macro calls or values); the limit is 1,000 levels";
    private const string Doubling = "{% set n = namespace(x=VALUE) %}{% for i in range(60) %}{% set n.x = STEP %}{% endfor %}";

    [TestMethod]
    [DataRow("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", Steps)]
    [DataRow("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}", Steps)]
    [DataRow("{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{% set t = s|upper %}{% endfor %}", Steps)]
    [DataRow("{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{{ 'b' in s }}{% endfor %}", Steps)]
    [DataRow("{% set l = range(100000)|list %}{% for i in range(100000) %}{% set t = l|sort %}{% endfor %}", Steps)]
    [DataRow("{% for i in range(100) %}{% set t = 'a' * 1000000 %}{% endfor %}", Steps)]
    [DataRow("{{ [1]|slice(10 ** 9)|list }}", Steps)]
    [DataRow("{{ ('a' * 1000000).split('a')|length }}", Steps)]
    [DataRow("{% for i in range(100000) %}{% set t = 7 ** 5000 %}{% endfor %}", Steps)]
    [DataRow("{{ 'a' * 10 ** 9 }}", Length)]
    [DataRow("{{ [1] * 10 ** 9 }}", Length)]
    [DataRow("{% for i in range(100000) %}{{ 'a' * 1000 }}{% endfor %}", Length)]
    [DataRow("{{ 'a'.center(10 ** 9) }}", Length)]
    [DataRow("{{ '%999999999d' % 1 }}", Length)]
    [DataRow("{{ '{:999999999}'.format(1) }}", Length)]
    [DataRow("{{ 'a'|indent(10 ** 9, true) }}", Length)]
    [DataRow("{{ [1]|tojson(indent=10 ** 9) }}", Length)]
    [DataRow("{{ ('a' * 1000000).replace('', 'b' * 1000) }}", Length)]
    [DataRow("{{ (['a' * 100000] * 1000)|join }}", Length)]
    [DataRow("{{ ('<' * 1000000)|e }}", Length)]
    [DataRow("{{ '\t'.expandtabs(10 ** 9) }}", Length)]
    [DataRow("{{ 2 ** 100000 }}", "a whole number of too many digits; the limit is 16384 bits")]
    [DataRow("{{ '%.1001f' % 1 }}", "1001 decimals; the limit is 1000")]
    [DataRow("{{ 1.5|round(1001) }}", "1001 decimals; the limit is 1000")]
    [DataRow("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", Levels)]
    [DataRow("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", Levels)]
    [DataRow("{% set n = namespace() %}{% set n.a = n %}{{ n }}", Levels)]
    [DataRow("{% set n = namespace(x=1) %}{% for i in range(5000) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}", Levels)]
    [DataRow("{% set n = namespace(x=[1]) %}{% for i in range(5000) %}{% set n.x = n.x|map('string') %}{% endfor %}{{ n.x|list }}", Levels)]
    public void A_template_that_goes_too_far_is_stopped(string template, string expected) => AssertStopped(template, expected);

    [TestMethod]
    [DataRow("'a'", "n.x + n.x", Length)]
    [DataRow("'a'", "n.x ~ n.x", Length)]
    [DataRow("[1]", "n.x + n.x", Steps)]
    [DataRow("3", "n.x * n.x", "16384 bits")]
    [DataRow("[1]", "[n.x, n.x]", Length, "{{ n.x }}")]
    [DataRow("[1]", "[n.x, n.x]", Length, "{{ n.x|tojson }}")]
    [DataRow("(1,)", "(n.x, n.x)", Steps, "{{ {n.x: 1} }}")]
    public void Doubling_is_stopped(string value, string step, string expected, string use = "")
    {
        string template = Doubling.Replace("VALUE", value, StringComparison.Ordinal).Replace("STEP", step, StringComparison.Ordinal);

        AssertStopped(template + use, expected);
    }

    [TestMethod]
    [DataRow("+1")]
    [DataRow(".a")]
    [DataRow("|default(1)")]
    public void Long_chains_are_stopped(string link)
        => AssertStopped("{{ 1" + string.Concat(Enumerable.Repeat(link, 50_000)) + " }}", Levels);

    [TestMethod]
    [DataRow("{{ ", "(", ") }}")]
    [DataRow("{{ ", "[", "] }}")]
    [DataRow("{{ ", "{1: ", "} }}")]
    [DataRow("{{ ", "x[", "] }}")]
    [DataRow("{{ ", "f(", ") }}")]
    [DataRow("{{ ", "not ", " }}")]
    [DataRow("{{ ", "- ", " }}")]
    [DataRow("{{ 1 ", "if 1 else 1 ", " }}")]
    [DataRow("{% set ", "(", ") = 1 %}")]
    [DataRow("", "{% if 1 %}", " ")]
    [DataRow("", "{% macro m() %}", " ")]
    public void Deep_nesting_is_no_template(string start, string level, string end)
    {
        string Many(string text) => string.Concat(Enumerable.Repeat(text, 50_000));
        string template = start + Many(level) + "a" + Many(end[..1]) + end[1..];

        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(() => ChatTemplate.Parse(template));

        Assert.Contains("brackets and blocks are nested too deeply; expected at most 200 levels", error.Message);
    }

    [TestMethod]
    public void Limits_hold_on_a_small_stack()
    {
        const string endless = "{% macro f(n) %}{{ [f(n + 1)]|map('string')|join }}{% endmacro %}{{ f(0) }}";
        Exception? error = null;
        var thread = new Thread(() => error = Caught(endless), maxStackSize: 256 * 1024);
        thread.Start();
        thread.Join();

        Assert.IsInstanceOfType<ChatTemplateException>(error);
    }

    [TestMethod]
    public void Limits_can_be_set()
    {
        var template = ChatTemplate.Parse("{% for i in range(100) %}{{ i }}{% endfor %}"); // "012…99": 10 * 1 + 90 * 2 characters

        ChatTemplateException steps = Assert.ThrowsExactly<ChatTemplateException>(() => Render(new() { StepLimit = 50 }));
        ChatTemplateException length = Assert.ThrowsExactly<ChatTemplateException>(() => Render(new() { LengthLimit = 189 }));

        Assert.AreEqual(
            "The chat template went too far: too many steps; the limit is 50 (the chat template, line 1). "
            + "Correct the template, or raise StepLimit if the conversation really is that long.", steps.Message);
        Assert.AreEqual(
            "The chat template went too far: a text of 190 characters; the limit is 189 (the chat template, line 1). "
            + "Correct the template, or raise LengthLimit if the conversation really is that long.", length.Message);
        Assert.HasCount(190, Render(new() { LengthLimit = 190 }).Text);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Render(new() { StepLimit = 0 }));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Render(new() { LengthLimit = -1 }));

        RenderedChat Render(ChatTemplateOptions options) => template.Render("[]", options);
    }

    private static void AssertStopped(string template, string expected)
    {
        ChatTemplateException error = Assert.ThrowsExactly<ChatTemplateException>(() => Jinja.Render(template));

        Assert.StartsWith("The chat template went too far: ", error.Message);
        Assert.Contains(expected, error.Message);
    }

    private static Exception? Caught(string template)
    {
        try
        {
            Jinja.Render(template);
            return null;
        }
        catch (Exception e) when (e is ChatTemplateException or InvalidDataException)
        {
            return e;
        }
    }
}
