using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Templates;

/// <summary>Templates with pieces taken out, put in and exchanged at random end in an answer or a documented error.</summary>
[TestClass]
public sealed partial class ChatTemplateFuzzTests
{
    private static readonly string[] Seeds =
    [
        "{% for m in people %}{% if m.role == 'user' %}{{ '<|' + m.role ~ '|>' }}"
            + "{% elif loop.last %}{{ m['n'] }}{% else %}x{% endif %}{% endfor %}",
        "{%- set n = namespace(a=0) -%}{% for x in list if x > 1 %}{% set n.a = n.a + x %}{% else %}e{% endfor %} {{- n.a }}",
        "{% macro m(a, b=2) %}{{ a }}{{ b|default('z', true) }}{{ caller() if caller }}{% endmacro %}"
            + "{{ m(1, b=s) }}{% call m(i) %}c{% endcall %}",
        "{{ dict|tojson(indent=2) }}{{ list|sort|join(', ') }}"
            + "{{ people|map(attribute='role')|list }}{{ s[1:-1:2] }}{{ s.split('o')[0]|trim }}",
        "{{ '%s %5.2f' % (s, x) }}{{ '{:>8}'.format(i) }}{{ 7 // 2 ** 2 % 3 }}"
            + "{{ not yes and no or 1 < 2 <= 3 }}{{ 'a' if empty else [1, (2,)] }}",
        "{% filter upper %}{% set t %}a{% endset %}{{ t * 3 }}{% endfilter %}{% with a = 1, b = list %}{{ a in b }}{% endwith %}{# c #}",
        "{% for a in [1, [2]] recursive %}{{ loop(a) if a is iterable else a }}{% if loop.index > 5 %}{% break %}{% endif %}{% endfor %}",
        "{% generation %}{{ s|replace('l', 'x')|e }}{% endgeneration %}{% raw %}{{ }}{% endraw %}"
            + "{{ list|select('odd')|first ~ range(4)|batch(3)|list }}",
    ];

    private static readonly string[] Pieces = [.. Seeds.SelectMany(Cut)];

    [TestMethod]
    public void Mutated_templates_end_in_an_answer_or_a_documented_error()
    {
        var random = new Random(20260);
        int count = LongTests.AreOn ? 100_000 : 2_000, answers = 0;
        for (int i = 0; i < count; i++)
        {
            string template = Mutated(random);
            var watch = Stopwatch.StartNew();
            if (EndsInAnswer(template))
                answers++;
            Assert.IsLessThan(TimeSpan.FromSeconds(60), watch.Elapsed, template); // the step limit, with a wide margin
        }
        Assert.IsInRange(count / 50, count - (count / 50), answers);
    }

    private static bool EndsInAnswer(string template)
    {
        try
        {
            Jinja.Render(template);
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException or ChatTemplateException)
        {
            Assert.IsNotEmpty(e.Message, template);
            return false;
        }
        catch (Exception e)
        {
            throw new AssertFailedException($"{e.GetType().Name}: {e.Message}\nof {template}", e);
        }
    }

    private static string Mutated(Random random)
    {
        List<string> pieces = [.. Cut(Seeds[random.Next(Seeds.Length)])];
        for (int changes = random.Next(1, 5); changes > 0; changes--)
        {
            int place = random.Next(pieces.Count);
            string other = Pieces[random.Next(Pieces.Length)];
            if (random.Next(3) == 0 && pieces.Count > 1)
                pieces.RemoveAt(place);
            else if (random.Next(2) == 0)
                pieces.Insert(place, other);
            else
                pieces[place] = other;
        }
        return string.Concat(pieces);
    }

    private static IEnumerable<string> Cut(string template) => Piece().Matches(template).Select(match => match.Value);

    [GeneratedRegex(@"\{[%{#][-+]?|[-+]?[%}#]\}|\w+|\s+|.", RegexOptions.Singleline)]
    private static partial Regex Piece();
}
