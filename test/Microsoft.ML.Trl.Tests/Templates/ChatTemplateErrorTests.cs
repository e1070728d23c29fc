namespace Microsoft.ML.Trl.Tests.Templates;

/// <summary>What is said about templates that are none, and about data that a template cannot read.</summary>
[TestClass]
public sealed class ChatTemplateErrorTests
{
    [TestMethod]
    [DataRow("a\n{{ 1", "line 2, column 3: this tag has no end; expected '}}'")]
    [DataRow("{# a", "line 1, column 1: this comment has no end; expected '#}'")]
    [DataRow("{% raw %}a", "line 1, column 1: this raw block has no end; expected '{% endraw %}'")]
    [DataRow("{{ 'a }}", "line 1, column 4: this string has no end; expected '")]
    [DataRow("{{ 1 $ 2 }}", "line 1, column 6: '$' has no meaning inside a tag; expected a name, a value or an operator")]
    [DataRow("{{ (1] }}", "line 1, column 6: unexpected ']'; expected ')'")]
    [DataRow("{{ 1) }}", "line 1, column 5: unexpected ')'; expected '}}'")]
    [DataRow("{{ '\\xzz' }}", "line 1, column 5: this escape needs 2 hexadecimal digits, at most 10ffff")]
    [DataRow("{{ 1 + }}", "line 1, column 8: expected a value, found '}}'")]
    [DataRow("{{ }}", "line 1, column 4: expected an expression, found '}}'")]
    [DataRow("{{ a.'b' }}", "line 1, column 6: expected a name or a number behind the point, found a string")]
    [DataRow("{{ 1 2 }}", "line 1, column 6: expected '}}', found '2'")]
    [DataRow("{{ f(a=1, 2) }}", "column 11: expected ')', or a name with '=': behind named arguments there can be no others, found '2'")]
    [DataRow("{% if a %}\n\nb", "line 3, column 2: expected the tag elif or else or endif, found the end of the template")]
    [DataRow("{% for a of b %}", "line 1, column 10: expected 'in', found 'of'")]
    [DataRow("{% set 1 = 2 %}", "line 1, column 8: expected the name of a variable to assign to, found '1'")]
    [DataRow("{% set true = 2 %}", "line 1, column 8: expected the name of a variable to assign to, found 'true'")]
    [DataRow("{% foo %}", "line 1, column 4: unknown tag 'foo'; expected a tag of Jinja that opens something")]
    [DataRow("{% if a %}{% endfor %}", "line 1, column 14: unknown tag 'endfor'; expected a tag of Jinja, or elif or else or endif")]
    [DataRow("{% break %}", "line 1, column 4: 'break' outside of a loop; expected it between for and endfor")]
    [DataRow("{{ a|nothing }}", "line 1, column 6: expected the name of one of Jinja's filters, found 'nothing'")]
    [DataRow("{{ a is nothing }}", "line 1, column 9: expected the name of one of Jinja's tests, found 'nothing'")]
    [DataRow("{{ a is string is string }}", "column 16: expected one test only: tests cannot be chained with 'is', found 'is'")]
    [DataRow("{% macro m(a=1, b) %}", "expected '=': behind a parameter with a default value all have one, found ')'")]
    [DataRow("{% call 1 %}{% endcall %}", "line 1, column 11: expected a call of a macro before this, found '%}'")]
    public void A_text_that_is_no_template(string template, string expected)
    {
        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(() => ChatTemplate.Parse(template, "'model'"));

        Assert.StartsWith("the chat template of 'model', line ", error.Message);
        Assert.Contains(expected, error.Message);
    }

    [TestMethod]
    [DataRow("{% include 'a' %}", "column 4: the tag 'include' is not supported")]
    [DataRow("{% block a %}{% endblock %}", "column 4: the tag 'block' is not supported")]
    [DataRow("{{ a|pprint }}", "column 6: the filter 'pprint' is not supported")]
    [DataRow("{{ '\\N{DASH}' }}", "column 5: a character by its name (\\N) is not supported")]
    public void A_part_of_Jinja_that_is_missing(string template, string expected)
    {
        NotSupportedException error = Assert.ThrowsExactly<NotSupportedException>(() => ChatTemplate.Parse(template));

        Assert.Contains(expected, error.Message);
        Assert.Contains("Supported is what chat templates use: for, if, set, macro", error.Message);
    }

    [TestMethod]
    [DataRow("{{ missing.a }}", "'missing' is undefined")]
    [DataRow("{{ dict.z.a }}", "'dict object' has no attribute 'z'")]
    [DataRow("{{ list[7].a }}", "list object has no element 7")]
    [DataRow("{{ s + 1 }}", "unsupported operand type(s) for +: 'str' and 'int'")]
    [DataRow("{{ s < 1 }}", "'<' not supported between instances of 'str' and 'int'")]
    [DataRow("{{ -s }}", "bad operand type for unary -: 'str'")]
    [DataRow("{{ 1 // 0 }}", "division by zero")]
    [DataRow("{{ s() }}", "'str' object is not callable")]
    [DataRow("{{ missing() }}", "'missing' is undefined")]
    [DataRow("{{ list.append(1) }}", "access to attribute 'append' of 'list' object is unsafe.")]
    [DataRow("{{ s.__class__.a }}", "access to attribute '__class__' of 'str' object is unsafe.")]
    [DataRow("{% for x in i %}{% endfor %}", "'int' object is not iterable")]
    [DataRow("{% for a, b in [[1]] %}{% endfor %}", "not enough values to unpack (expected 2, got 1)")]
    [DataRow("{% for a, b in ['abc'] %}{% endfor %}", "too many values to unpack (expected 2)")]
    [DataRow("{% set s.a = 1 %}", "cannot assign attribute on non-namespace object 's'")]
    [DataRow("{{ i|length }}", "object of type 'int' has no len()")]
    [DataRow("{{ range|tojson }}", "Object of type builtin_function_or_method is not JSON serializable")]
    [DataRow("{{ missing|tojson }}", "Object of type Undefined is not JSON serializable")]
    [DataRow("{{ {(1,): 2}|tojson }}", "keys must be str, int, float, bool or None, not tuple")]
    [DataRow("{{ {[]: 1} }}", "unhashable type: 'list'")]
    [DataRow("{{ list[::0] }}", "slice step cannot be zero")]
    [DataRow("{{ i[1:] }}", "'int' object has no slices")]
    [DataRow("{{ '%d' % s }}", "%d format: a real number is required, not str")]
    [DataRow("{{ '%s %s' % (1,) }}", "not enough arguments for format string")]
    [DataRow("{{ '%s' % (1, 2) }}", "not all arguments converted during string formatting")]
    [DataRow("{{ '%q' % 1 }}", "unsupported format character 'q'")]
    [DataRow("{{ '{}'.format() }}", "Replacement index 0 out of range for positional args tuple")]
    [DataRow("{{ '{'.format() }}", "expected '}' before end of string")]
    [DataRow("{{ '{:y}'.format(1) }}", "Invalid format specifier 'y' for object of type 'int'")]
    [DataRow("{{ s.encode() }}", "the method encode of strings is not supported")]
    [DataRow("{{ s.upper(1) }}", "upper() takes at most 0 arguments (1 given)")]
    [DataRow("{{ s.replace('a') }}", "replace() is missing its argument 'new'")]
    [DataRow("{{ s|trim(z=1) }}", "trim() got an unexpected keyword argument 'z'")]
    [DataRow("{{ s.split(1) }}", "split() needs a string for 'sep', not int")]
    [DataRow("{{ s.split('') }}", "empty separator")]
    [DataRow("{{ s.index('z') }}", "substring not found")]
    [DataRow("{{ [s, 1]|sort }}", "'<' not supported between instances of 'int' and 'str'")]
    [DataRow("{{ list|map|list }}", "map requires a filter argument")]
    [DataRow("{{ list|map('nothing')|list }}", "No filter named 'nothing'.")]
    [DataRow("{{ list|select('nothing')|list }}", "No test named 'nothing'.")]
    [DataRow("{{ list|select('odd')|last }}", "'generator' object is not reversible")]
    [DataRow("{% if yes %}{{ s|nothing }}{% endif %}", "No filter named 'nothing'.")]
    [DataRow("{% macro m() %}{% endmacro %}{{ m(1) }}", "macro 'm' takes not more than 0 argument(s)")]
    [DataRow("{% macro m() %}{% endmacro %}{{ m(a=1) }}", "macro 'm' takes no keyword argument 'a'")]
    [DataRow("{% macro m(a) %}{{ a + 1 }}{% endmacro %}{{ m() }}", "parameter 'a' was not provided")]
    [DataRow("{% for x in list %}{{ loop(list) }}{% endfor %}", "The loop must have the 'recursive' marker to be called recursively.")]
    [DataRow("{{ strftime_now('%Q') }}", "strftime_now does not know the directive %Q")]
    [DataRow("{{ range(100001) }}", "range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).")]
    [DataRow("{{ (1 if no).a }}", "the inline if-expression on line 2 evaluated to false and no else section was defined.")]
    public void Data_that_a_template_cannot_read(string template, string expected)
    {
        ChatTemplateException error = Assert.ThrowsExactly<ChatTemplateException>(() => Jinja.Render("\n" + template));

        Assert.StartsWith(expected, error.Message);
        Assert.EndsWith(
            "(the chat template, line 2). Give the messages the form that this template reads, or correct the template.", error.Message);
        Assert.AreEqual(2, error.Line);
    }

    [TestMethod]
    public void A_template_refuses_in_its_own_words()
    {
        ChatTemplateException error = Assert.ThrowsExactly<ChatTemplateException>(
            () => Jinja.Render("{% if yes %}\n{{ raise_exception('Roles must ' ~ 'alternate!') }}{% endif %}"));

        Assert.AreEqual("Roles must alternate!", error.Message);
        Assert.AreEqual(2, error.Line);
    }

    [TestMethod]
    public void A_template_of_millions_of_characters_is_not_read()
    {
        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(() => ChatTemplate.Parse(new string('a', (1 << 22) + 1)));

        Assert.AreEqual(
            "the chat template has 4194305 characters; at most 4194304 are read. Is it a chat template? The longest known have 20,000.",
            error.Message);
    }
}
