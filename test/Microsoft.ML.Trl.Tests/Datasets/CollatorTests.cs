using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Datasets;

/// <summary>
/// Batches against TRL's collators: data_utils/collators*.json. A batch here has no mask and no -100: lengths say what is real, and labels
/// are listed with the row that predicts them. So the expected tensors are read into that form. Not compared, because there is nothing here
/// to compare them with: padding to a multiple (the columns it adds are left out), prompts padded on the left (dpo_padding's
/// prompt_input_ids), and padding-free position ids (texts of a packed row stand in rows of their own).
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
        TokenExample[] rows = [.. Rows(test).Select(row => new TokenExample(Ints(row, "input_ids"))
        {
            Learned = row.TryGetProperty("labels", out _) ? Array.ConvertAll(Ints(row, "labels"), label => label != Ignored) : null,
        })];
        Same(rows, Table(batch, "input_ids"), Table(batch, "attention_mask"), Table(batch, "labels"), name);
    }

    [TestMethod]
    [DataRow("lm_padding_free")]
    [DataRow("lm_packed")]
    public void Texts_of_one_row_have_the_labels_of_a_padding_free_batch(string name)
    {
        JsonElement test = Case("collators.json", name), batch = test.GetProperty("batch");
        int[] labels = Table(batch, "labels").Single(), positions = Table(batch, "position_ids").Single();
        int[] starts = [.. Enumerable.Range(0, positions.Length).Where(at => positions[at] == 0), positions.Length];
        (int From, int To)[] texts = [.. starts.Zip(starts.Skip(1))];
        int[] ids = [.. Rows(test).SelectMany(row => Ints(row, "input_ids"))];
        bool[] learned = [.. Rows(test).SelectMany(row => Ints(row, "labels")).Select(label => label != Ignored)];
        CollectionAssert.AreEqual(Table(batch, "input_ids").Single(), ids, name);
        using TokenBatch actual = TokenBatch.Of(
            [.. texts.Select(text => new TokenExample(ids[text.From..text.To]) { Learned = learned[text.From..text.To] })]);
        CollectionAssert.AreEqual(texts.Select(text => text.To - text.From).ToArray(), actual.Lengths.ToArray(), name);
        int[] listed = Array.ConvertAll(Longs(actual.Labels), label => (int)label);
        CollectionAssert.AreEqual(Array.FindAll(labels, label => label != Ignored), listed, name);
    }

    [TestMethod]
    [DataRow("dpo", null)]
    [DataRow("dpo_mult8_max4", 4)]
    public void Pairs_are_stacked_cut_and_marked_as_by_DataCollatorForPreference(string name, int? maxLength)
    {
        JsonElement test = Case("collators.json", name), expected = test.GetProperty("batch");
        PreferenceExample Pair(JsonElement row) => new(Ints(row, "prompt_ids"), Ints(row, "chosen_ids"), Ints(row, "rejected_ids"));
        PreferenceExample[] pairs = [.. Rows(test).Select(Pair)];
        using var batch = new PairBatch(pairs, [0, 1], new DpoOptions { MaxLength = maxLength }.Layout, rows => TokenBatch.Of(rows));
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
        double? Margin(JsonElement row) => row.TryGetProperty("margin", out JsonElement margin) ? margin.GetDouble() : null;
        PreferenceExample[] pairs =
            [.. Rows(test).Select(row => new PreferenceExample([], Ints(row, "chosen_ids"), Ints(row, "rejected_ids"), Margin(row)))];
        TokenExample[] rows =
        [
            .. pairs.Select(pair => new TokenExample(pair.PromptAndChosen())),
            .. pairs.Select(pair => new TokenExample(pair.PromptAndRejected())),
        ];
        Same(rows, Table(expected, "input_ids"), Table(expected, "attention_mask"), null, name);
        if (expected.TryGetProperty("margin", out JsonElement margins))
            Close.Absolute(margins.Deserialize<double[]>()!, pairs.Select(pair => pair.Margin!.Value).ToArray(), 0, name);
    }

    [TestMethod]
    public void Labelled_completions_and_those_of_others_are_marked_as_by_DataCollatorForUnpairedPreference()
    {
        JsonElement test = Case("collators.json", "kto"), expected = test.GetProperty("batch");
        bool[] labels = expected.GetProperty("label").Deserialize<bool[]>()!;
        UnpairedExample[] examples = [.. Rows(test).Select(row =>
            new UnpairedExample(Ints(row, "prompt_ids"), Ints(row, "completion_ids"), row.GetProperty("label").GetBoolean()))];
        int[][] others = [.. Rows(test).Select(row => Ints(row, "KL_completion_ids"))];
        using var batch = new UnpairedBatch(examples, [0, 1], others, null, texts => TokenBatch.Of(texts));
        CollectionAssert.AreEqual(labels, batch.IsDesirable.ToArray());
        foreach ((string side, AnswerBatch answers) in new[] { ("", batch.Answers), ("KL_", batch.Mismatched!) })
        {
            int[][] ids = Table(expected, side + "input_ids"), completion = Table(expected, side + "completion_mask");
            int[][] learned = [.. ids.Zip(completion, (row, marks) => row.Zip(marks, (id, mark) => mark == 1 ? id : Ignored).ToArray())];
            Same(answers.Tokens, ids, Table(expected, side + "attention_mask"), learned, "kto" + side);
        }
    }

    /// <summary>TRL 0.11.4 finds completions by a template: what follows the last, or each up to the next instruction.</summary>
    [TestMethod]
    [DataRow("response_only")]
    [DataRow("response_and_instruction")]
    public void Marked_completions_are_labelled_as_by_DataCollatorForCompletionOnlyLM(string name)
    {
        JsonElement test = Case("collators_v0114.json", name), batch = test.GetProperty("batch");
        int[] response = Ints(test, "response_template_ids");
        int[]? instruction = test.GetProperty("instruction_template_ids").Deserialize<int[]?>();
        TokenExample[] rows =
            [.. Table(test, "rows").Select(row => new TokenExample(row) { Learned = Completions(row, response, instruction) })];
        Same(rows, Table(batch, "input_ids"), Table(batch, "attention_mask"), Table(batch, "labels"), name);
    }

    [TestMethod]
    public void Marked_completions_of_a_padding_free_batch_have_the_labels_of_TRL_0_11_4()
    {
        JsonElement test = Case("collators_v0114.json", "padding_free"), batch = test.GetProperty("batch");
        int[] response = Ints(test, "response_template_ids");
        TokenExample[] rows =
            [.. Table(test, "rows").Select(row => new TokenExample(row) { Learned = Completions(row, response, null) })];
        CollectionAssert.AreEqual(Table(batch, "input_ids").Single(), rows.SelectMany(row => row.Ids).ToArray());
        using TokenBatch actual = TokenBatch.Of(rows);
        int[] listed = Array.ConvertAll(Longs(actual.Labels), label => (int)label);
        CollectionAssert.AreEqual(Array.FindAll(Table(batch, "labels").Single(), label => label != Ignored), listed);
    }

    /// <summary>The texts are those of the case before, in turns, each with the end token behind it.</summary>
    [TestMethod]
    public void Wrapped_packing_cuts_as_ConstantLengthDataset_of_TRL_0_11_4()
    {
        JsonElement test = Case("collators_v0114.json", "constant_length_dataset");
        int end = test.GetProperty("eos_token_id").GetInt32(), length = test.GetProperty("seq_length").GetInt32();
        int[][] texts = Table(Case("collators_v0114.json", "padding_free"), "rows"), expected = Table(test, "result");
        TokenExample[] examples = [.. Enumerable.Range(0, 8).Select(i => new TokenExample([.. texts[i % texts.Length], end]))];
        var options = new SftOptions { Packing = true, PackingStrategy = PackingStrategy.Wrapped, MaxLength = length };
        TokenExample[][] rows = [.. SftRows.Prepare(examples, options).Take(expected.Length)];
        Assert.HasCount(10, rows);
        for (int row = 0; row < rows.Length; row++)
            CollectionAssert.AreEqual(expected[row], rows[row].Single().Ids, $"row {row}");
    }

    [TestMethod]
    public void A_pair_is_labelled_as_by_the_DPO_collator_of_TRL_0_11_4()
    {
        JsonElement test = Case("collators_v0114.json", "dpo_padding"), batch = test.GetProperty("batch");
        foreach (string side in new[] { "chosen", "rejected" })
        {
            TokenExample[] rows = [.. Rows(test).Select(row => new TokenExample(Ints(row, side + "_input_ids"), PromptLength: 1))];
            Same(rows, Table(batch, side + "_input_ids"), Table(batch, side + "_attention_mask"), Table(batch, side + "_labels"), side);
        }
    }

    [TestMethod]
    public void A_pair_is_padded_as_by_the_reward_collator_of_TRL_0_11_4()
    {
        JsonElement test = Case("collators_v0114.json", "reward_padding_mult4"), batch = test.GetProperty("batch");
        foreach (string side in new[] { "chosen", "rejected" })
        {
            TokenExample[] rows = [.. Rows(test).Select(row => new TokenExample(Ints(row, "input_ids_" + side)))];
            Same(rows, Table(batch, "input_ids_" + side), Table(batch, "attention_mask_" + side), null, side);
        }
    }

    private static bool[] Completions(int[] row, int[] response, int[]? instruction)
    {
        bool At(int place, int[] template) => row.AsSpan(place).StartsWith(template);
        int[] starts = [.. Enumerable.Range(0, row.Length).Where(place => At(place, response)).Select(place => place + response.Length)];
        var learned = new bool[row.Length];
        if (instruction is null)
        {
            learned.AsSpan(starts[^1]).Fill(true);
            return learned;
        }
        foreach (int start in starts)
        {
            int end = Enumerable.Range(start, row.Length - start).FirstOrDefault(place => At(place, instruction), row.Length);
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
        long[][] actual = [.. Longs(batch.Ids).Chunk(width)];
        for (int row = 0; row < ids.Length; row++)
        {
            int[] real = [.. actual[row].Take(lengths[row]).Select(id => (int)id)];
            CollectionAssert.AreEqual(ids[row][..lengths[row]], real, $"{what} row {row}");
        }
        if (labels is null)
            return;
        var expected = new List<(long Label, long PredictedBy)>();
        for (int row = 0; row < ids.Length; row++)
            for (int at = 1; at < width; at++) // nothing predicts the first token
                if (labels[row][at] != Ignored)
                    expected.Add((labels[row][at], (row * width) + at - 1));
        CollectionAssert.AreEqual(expected.ToArray(), Longs(batch.Labels).Zip(Longs(batch.TargetRows)).ToArray(), what);
    }

    private static JsonElement Case(string file, string name)
    {
        using JsonDocument json = Fixtures.Json("data_utils", file);
        return json.RootElement.EnumerateArray().Single(test => test.GetProperty("name").GetString() == name).Clone();
    }

    private static JsonElement.ArrayEnumerator Rows(JsonElement test) => test.GetProperty("rows").EnumerateArray();

    private static int[] Ints(JsonElement row, string name) => row.GetProperty(name).Deserialize<int[]>()!;

    private static int[][] Table(JsonElement batch, string name) => batch.GetProperty(name).Deserialize<int[][]>()!;

    private static long[] Longs(Tensor values) => values.flatten().data<long>().ToArray();
}
