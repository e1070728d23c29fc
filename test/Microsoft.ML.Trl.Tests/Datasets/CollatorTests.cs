using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Datasets;

/// <summary>
/// Batches against TRL's collators: data_utils/collators*.json. A batch here has no mask and no -100: lengths say what is real, and labels are
/// listed with the row that predicts them. So the expected tensors are read into that form. Not compared, because there is nothing here to compare
/// them with: padding to a multiple (the columns it adds are left out), the batch of unpaired examples (kto), prompts padded on the left
/// (dpo_padding's prompt_input_ids), and padding-free position ids (texts of a packed row stand in rows of their own).
/// </summary>
[TestClass]
public sealed class CollatorTests
{
    private const int Ignored = -100;

    [TestMethod]
    [DataRow("lm")]
    [DataRow("lm_mult4")]
    [DataRow("lm_labels")]
    [DataRow("lm_completion")] // TRL 1.9.0's collator leaves the marks of completions to the trainer: every token is a label
    public void Texts_are_padded_and_labelled_as_by_DataCollatorForLanguageModeling(string name)
    {
        JsonElement test = Case("collators.json", name), batch = test.GetProperty("batch");
        TokenExample[] rows = [.. test.GetProperty("rows").EnumerateArray().Select(row => new TokenExample(Ints(row.GetProperty("input_ids")))
        {
            Learned = row.TryGetProperty("labels", out JsonElement labels) ? Array.ConvertAll(Ints(labels), label => label != Ignored) : null,
        })];
        Same(rows, Table(batch, "input_ids"), Table(batch, "attention_mask"), Table(batch, "labels"), name);
    }

    [TestMethod]
    [DataRow("lm_padding_free")]
    [DataRow("lm_packed")]
    public void Texts_of_one_row_have_the_labels_of_a_padding_free_batch(string name)
    {
        JsonElement test = Case("collators.json", name), batch = test.GetProperty("batch");
        int[] ids = Table(batch, "input_ids").Single(), labels = Table(batch, "labels").Single(), positions = Table(batch, "position_ids").Single();
        int[] starts = [.. Enumerable.Range(0, ids.Length).Where(at => positions[at] == 0), ids.Length];
        (int From, int To)[] texts = [.. starts.Zip(starts.Skip(1))];
        var given = new List<(int Id, bool Learned)>();
        foreach (JsonElement row in test.GetProperty("rows").EnumerateArray())
            given.AddRange(Ints(row.GetProperty("input_ids")).Zip(Ints(row.GetProperty("labels")).Select(label => label != Ignored)));
        using TokenBatch actual = TokenBatch.Of([.. texts.Select(text => new TokenExample([.. given[text.From..text.To].Select(token => token.Id)])
        {
            Learned = [.. given[text.From..text.To].Select(token => token.Learned)],
        })]);
        CollectionAssert.AreEqual(texts.Select(text => text.To - text.From).ToArray(), actual.Lengths.ToArray(), name);
        CollectionAssert.AreEqual(labels.Where(label => label != Ignored).Select(label => (long)label).ToArray(), Longs(actual.Labels), name);
    }

    [TestMethod]
    [DataRow("dpo", null)]
    [DataRow("dpo_mult8_max4", 4)]
    public void Pairs_are_stacked_cut_and_marked_as_by_DataCollatorForPreference(string name, int? maxLength)
    {
        JsonElement test = Case("collators.json", name), expected = test.GetProperty("batch");
        PreferenceExample[] pairs = [.. test.GetProperty("rows").EnumerateArray().Select(row =>
            new PreferenceExample(Ints(row.GetProperty("prompt_ids")), Ints(row.GetProperty("chosen_ids")), Ints(row.GetProperty("rejected_ids"))))];
        using var batch = new PairBatch(pairs, [0, 1], new DpoOptions { MaxLength = maxLength }, CPU);
        int[][] ids = Table(expected, "input_ids"), completion = Table(expected, "completion_mask");
        int[][] labels = [.. ids.Zip(completion, (row, marks) => row.Zip(marks, (id, mark) => mark == 1 ? id : Ignored).ToArray())];
        Same(batch.Tokens, ids, Table(expected, "attention_mask"), labels, name);
    }

    [TestMethod]
    [DataRow("reward")]
    [DataRow("reward_margin")]
    public void Pairs_without_a_prompt_are_stacked_as_by_the_collator_of_RewardTrainer(string name)
    {
        JsonElement test = Case("collators.json", name), expected = test.GetProperty("batch");
        PreferenceExample[] pairs = [.. test.GetProperty("rows").EnumerateArray().Select(row => new PreferenceExample(
            [], Ints(row.GetProperty("chosen_ids")), Ints(row.GetProperty("rejected_ids")), row.TryGetProperty("margin", out JsonElement margin) ? margin.GetDouble() : null))];
        TokenExample[] rows = [.. pairs.Select(pair => pair.PromptAndChosen()).Concat(pairs.Select(pair => pair.PromptAndRejected())).Select(ids => new TokenExample(ids))];
        Same(rows, Table(expected, "input_ids"), Table(expected, "attention_mask"), null, name);
        if (expected.TryGetProperty("margin", out JsonElement margins))
            Close.Absolute(margins.Deserialize<double[]>()!, pairs.Select(pair => pair.Margin!.Value).ToArray(), 0, name);
    }

    /// <summary>TRL 0.11.4 finds completions by a template: what follows its last place, or every place up to the next instruction.</summary>
    [TestMethod]
    [DataRow("response_only")]
    [DataRow("response_and_instruction")]
    public void Marked_completions_are_labelled_as_by_DataCollatorForCompletionOnlyLM(string name)
    {
        JsonElement test = Case("collators_v0114.json", name), batch = test.GetProperty("batch");
        int[] response = Ints(test.GetProperty("response_template_ids"));
        int[]? instruction = test.GetProperty("instruction_template_ids") is { ValueKind: JsonValueKind.Array } ids ? Ints(ids) : null;
        TokenExample[] rows = [.. test.GetProperty("rows").EnumerateArray().Select(row => new TokenExample(Ints(row)) { Learned = Completions(Ints(row), response, instruction) })];
        Same(rows, Table(batch, "input_ids"), Table(batch, "attention_mask"), Table(batch, "labels"), name);
    }

    [TestMethod]
    public void A_pair_is_labelled_as_by_the_DPO_collator_of_TRL_0_11_4()
    {
        JsonElement test = Case("collators_v0114.json", "dpo_padding"), batch = test.GetProperty("batch");
        foreach (string side in new[] { "chosen", "rejected" })
        {
            TokenExample[] rows = [.. test.GetProperty("rows").EnumerateArray().Select(row => new TokenExample(Ints(row.GetProperty(side + "_input_ids")), PromptLength: 1))];
            Same(rows, Table(batch, side + "_input_ids"), Table(batch, side + "_attention_mask"), Table(batch, side + "_labels"), side);
        }
    }

    [TestMethod]
    public void A_pair_is_padded_as_by_the_reward_collator_of_TRL_0_11_4()
    {
        JsonElement test = Case("collators_v0114.json", "reward_padding_mult4"), batch = test.GetProperty("batch");
        foreach (string side in new[] { "chosen", "rejected" })
        {
            TokenExample[] rows = [.. test.GetProperty("rows").EnumerateArray().Select(row => new TokenExample(Ints(row.GetProperty("input_ids_" + side))))];
            Same(rows, Table(batch, "input_ids_" + side), Table(batch, "attention_mask_" + side), null, side);
        }
    }

    private static bool[] Completions(int[] row, int[] response, int[]? instruction)
    {
        bool At(int place, int[] template) => row.AsSpan(place).StartsWith(template);
        int[] starts = [.. Enumerable.Range(0, row.Length).Where(place => At(place, response)).Select(place => place + response.Length)];
        var learned = new bool[row.Length];
        foreach (int start in instruction is null ? starts[^1..] : starts)
        {
            int end = Enumerable.Range(start, row.Length - start).FirstOrDefault(place => instruction is not null && At(place, instruction), row.Length);
            learned.AsSpan(start..end).Fill(true);
        }
        return learned;
    }

    private static void Same(TokenExample[] rows, int[][] ids, int[][] mask, int[][]? labels, string what)
    {
        using TokenBatch batch = TokenBatch.Of(rows);
        Same(batch, ids, mask, labels, what);
    }

    private static void Same(TokenBatch batch, int[][] ids, int[][] mask, int[][]? labels, string what)
    {
        int[] lengths = [.. mask.Select(row => row.Sum())];
        int width = lengths.Max(); // columns beyond are there to fill a multiple
        CollectionAssert.AreEqual(lengths, batch.Lengths.ToArray(), what);
        CollectionAssert.AreEqual(new long[] { ids.Length, width }, batch.Ids.shape, what);
        long[] actual = Longs(batch.Ids);
        for (int row = 0; row < ids.Length; row++)
            CollectionAssert.AreEqual(Array.ConvertAll(ids[row][..lengths[row]], id => (long)id), actual[(row * width)..((row * width) + lengths[row])], $"{what} row {row}");
        if (labels is null)
            return;
        (int Row, int At)[] labelled = [.. Enumerable.Range(0, ids.Length).SelectMany(row => Enumerable.Range(1, width - 1).Where(at => labels[row][at] != Ignored).Select(at => (row, at)))];
        CollectionAssert.AreEqual(Array.ConvertAll(labelled, place => (long)labels[place.Row][place.At]), Longs(batch.Labels), what);
        CollectionAssert.AreEqual(Array.ConvertAll(labelled, place => ((long)place.Row * width) + place.At - 1), Longs(batch.TargetRows), what);
    }

    private static JsonElement Case(string file, string name)
    {
        using JsonDocument json = Fixtures.Json("data_utils", file);
        return json.RootElement.EnumerateArray().Single(test => test.GetProperty("name").GetString() == name).Clone();
    }

    private static int[] Ints(JsonElement array) => array.Deserialize<int[]>()!;

    private static int[][] Table(JsonElement batch, string name) => batch.GetProperty(name).Deserialize<int[][]>()!;

    private static long[] Longs(Tensor values) => values.flatten().data<long>().ToArray();
}
