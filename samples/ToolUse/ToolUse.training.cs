using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;

namespace ToolUseSample;

/// <summary>How the model is made.</summary>
public static partial class ToolUse
{
    /// <summary>
    /// How conversations are written, calls as Hermes and Qwen do. GRPO reads from it how the model calls functions; SFT learns what stands
    /// between <c>generation</c> and <c>endgeneration</c>.
    /// </summary>
    private const string Template = """
        {%- if tools %}
        <|im_start|>system
        Tools:{% for tool in tools %} {{ tool.function.name }}({{ tool.function.parameters.properties | join(', ') }}){% endfor %}<|im_end|>
        {%- endif %}
        {%- for message in messages %}
        <|im_start|>{{ message.role }}
        {% if message.role == 'assistant' %}
        {% generation %}
        {{- message.content }}
        {%- for call in message.tool_calls or [] %}
        <tool_call>{"name": {{ call.function.name | tojson }}, "arguments": {{ call.function.arguments | tojson }}}</tool_call>
        {%- endfor %}
        <|im_end|>
        {%- endgeneration %}
        {%- else %}
        {{- message.content }}<|im_end|>
        {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
        <|im_start|>assistant
        {% endif %}
        """;

    private static readonly string[] Marks = ["<|im_end|>", "<|im_start|>", "<tool_call>", "</tool_call>"];

    /// <summary>
    /// SFT learns an assistant with bad habits. GRPO then answers every question several times, with the calculator at hand, and makes
    /// answers likelier that are better than the others; nobody shows it which those are.
    /// </summary>
    internal static TransformerChain<TextGenerationTransformer> Train(
        MLContext ml, SumData data, Settings settings, IProgress<StepReport> progress)
    {
        TextTokenizer tokenizer = Tokenizer(data.Talks, settings.VocabularySize);
        ModelSource fresh = ModelSource.New(settings.Model(tokenizer.VocabularySize), tokenizer, seed: 1);
        IDataView talks = ml.Data.LoadFromEnumerable(data.Talks);
        RewardFunction answer = RewardFunction.Of<Sum>((sum, row) => new Exchange(row.Turns).Says(sum.Product) ? 1 : 0);
        RewardFunction call = RewardFunction.Of(row => new Exchange(row.Turns).IsWellCalled ? 1 : 0);

        var pipeline = ml.Trl().Sft(fresh, settings.Sft, talks, progress)
            .Append(ml.Trl().Grpo([answer.Named("answer"), call.Named("call")], settings.Grpo, progress: progress));
        return pipeline.Fit(ml.Data.LoadFromEnumerable(data.Sums));
    }

    /// <summary>Learnt from texts without digits, so that no two digits become one token: a number is copied digit by digit.</summary>
    private static TextTokenizer Tokenizer(IEnumerable<Talk> talks, int size) =>
        BpeTrainer.Train(talks.Select(talk => Digits().Replace(talk.Messages, "")), size, Marks).WithChatTemplate(Template);

    [GeneratedRegex(@"\d")]
    private static partial Regex Digits();
}
